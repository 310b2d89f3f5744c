"""A run whose examples are of groups: what it records, and that it goes on with the same alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training import Options, resume, train
from cnnkit.training.prepare.sealed import sealed
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.view.display import Quiet

OF = np.arange(90) // 5
"""18 patients with 5 scans each."""


def table(folder: Path, of: np.ndarray[Any, Any] = OF) -> Path:
    path = folder / "patients.csv"
    path.write_text("patient\n" + "".join(f"p{each}\n" for each in of), encoding="utf-8")
    return path


def test_a_run_records_its_groups_and_refuses_others(
    tmp_path: Path, recipe: Callable[..., Spec]
) -> None:
    groups = table(tmp_path)
    spec = recipe(split={"validation": 0.2, "test": 0.2, "group": str(groups)}, epochs=1)
    run = train(spec, run_dir=tmp_path / "run", display=Quiet()).path
    record = json.loads((run / "split.json").read_text(encoding="utf-8"))
    assert {**record["groups"], "sha256": ""} == {"by": "patients.csv", "count": 18, "sha256": ""}
    assert spec.train is not None
    splits = sealed(spec, spec.train, None).splits
    assert record["test"] == splits.record()["test"]
    sides = [{*OF[part].tolist()} for part in (splits.train, splits.validation, splits.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 18
    assert evaluate(run, Options()).look == 1
    moved = OF.copy()
    moved[[0, 20]] = moved[[20, 0]]
    table(tmp_path, moved)
    (run / "summary.json").unlink()
    for again in (lambda: evaluate(run, Options()), lambda: resume(run, display=Quiet())):
        with pytest.raises(UsageError, match=r"begun with other data: .*groups.* of split.json"):
            again()
    groups.unlink()
    with pytest.raises(UsageError, match=r"no file .*patients.csv"):
        evaluate(run, Options())
