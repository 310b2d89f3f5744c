"""Groups of examples in folds, and in the folds within them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

import cnnkit
from cnnkit.errors import DataError
from cnnkit.selection.folds.cross_validation import cut, parts
from cnnkit.selection.folds.directory import FoldOptions, cross_validated
from cnnkit.selection.nested import _inner
from cnnkit.selection.recipe import recipe
from cnnkit.selection.search.directory import SearchOptions
from cnnkit.training.prepare.sealed import sealed
from tests.selection.conftest import EXAMPLES

OF = np.arange(EXAMPLES) // 7  # 20 patients of 7 scans


def spec_file(folder: Path, network: Mapping[str, Any], groups: str, **fields: Any) -> Path:
    split = {**network["train"]["split"], "group": groups}
    path = folder / "spec.json"
    spec = {**network, "train": {**network["train"], "split": split, "epochs": 1, **fields}}
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


def table(folder: Path, of: np.ndarray[Any, Any] = OF) -> Path:
    path = folder / "patients.csv"
    path.write_text("patient\n" + "".join(f"p{each}\n" for each in of), encoding="utf-8")
    return path


def test_folds_and_folds_within_them_keep_groups_together(
    tmp_path: Path, network: Mapping[str, Any]
) -> None:
    table(tmp_path)
    spec = cnnkit.load(spec_file(tmp_path, network, "patients.csv"))
    data, recipe_ = sealed(spec, recipe(spec), None), recipe(spec)
    outer = parts(data, cut(data, 4, recipe_), 0)
    for part in outer:
        assert not {*OF[part.train].tolist()} & {*OF[part.held].tolist()}
        context = SimpleNamespace(
            data=data, spec=spec, devices=(), settings=SimpleNamespace(objectives=("loss",))
        )
        # Of a small outer fold there are fewer groups than the inner pieces that are usual.
        few = part._replace(train=part.train[np.isin(OF[part.train], OF[part.train][[0, -1]])])
        for whole in (part, few):
            evaluator = _inner(cast(Any, context), whole, SearchOptions())
            (inner,) = evaluator.parts
            assert not {*OF[inner.train].tolist()} & {*OF[inner.held].tolist()}
            assert len(inner.held)
            assert sorted([*inner.train, *inner.held]) == sorted(whole.train)


def test_fewer_groups_than_folds_are_told_with_their_place(
    tmp_path: Path, network: Mapping[str, Any]
) -> None:
    table(tmp_path)
    path = spec_file(tmp_path, network, "patients.csv")
    with pytest.raises(DataError) as caught:
        cross_validated(cnnkit.load(path), FoldOptions(folds=19, run_dir=tmp_path / "folds"))
    at = path.read_text(encoding="utf-8").index('"patients.csv"') + 1
    assert str(caught.value).startswith(
        f"{path}:1:{at}: 19 folds need 19 groups, and `group: {tmp_path / 'patients.csv'}` makes "
    )
