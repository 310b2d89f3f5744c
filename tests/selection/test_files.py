"""The files of folds, trials and nested searches: their keys, and what is refused as damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import TrainingError
from cnnkit.selection.folds.fold import CrossValidation, Cut, Fold, FoldEpoch
from cnnkit.selection.outer_fold import Nested, OuterFold
from cnnkit.selection.search.results import Results, TrialLook
from cnnkit.selection.search.row import Row, TrialRecord
from cnnkit.spec.model.search import SearchSettings
from cnnkit.training.compute.figures import Figures
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.record import parse

FOLD_TEXT = (
    '{"fold": 1, "trained": 6, "examples": 3, "metrics": {"loss": 0.5, "accuracy": null}, '
    '"confusion": [[1, 0], [1, 1]], "failed": null, '
    '"history": [{"epoch": 1, "train": {"loss": 0.75}}], "seconds": 1.235}'
)
ROW_TEXT = (
    '{"trial": 2, "state": "complete", "reason": null, "choices": {"variables.width": 8}, '
    '"values": {"accuracy": 0.5}, "best_epoch": 1, "history": [{"epoch": 1, "train": {"loss": '
    '1.0}, "validation": {"loss": 2.0}}], "totals": {"macs": 12}, "seconds": 0.5}'
)
EMPTY_TEXT = (
    '{"name": "a", "data": "b", "classes": [], "seed": 0, "random_labels": false, "sealed": 0, '
    '"folds": []}'
)
EPOCH = Epoch(1, {"loss": 1.0}, {"loss": 2.0})
OUTER = OuterFold(0, 3, {"variables.width": [4]}, 2, {"accuracy": 0.5}, {"loss": None}, 45)


def fold(number: int = 1, confusion: Any = ((1, 0), (1, 1))) -> Fold:
    figures = Figures(3, {"loss": 0.5, "accuracy": None}, np.array(confusion))
    return Fold(number, 6, figures, (FoldEpoch(1, {"loss": 0.75}),), 1.23456)


def row(number: int = 2) -> Row:
    return Row(
        number, "complete", None, {"variables.width": 8}, {"accuracy": 0.5}, 1, (EPOCH,),
        {"macs": 12}, 0.5,
    )  # fmt: skip


def test_a_fold_keeps_its_keys() -> None:
    assert json.dumps(fold().to_dict()) == FOLD_TEXT
    assert json.dumps(Fold.from_json(FOLD_TEXT).to_dict()) == FOLD_TEXT


@pytest.mark.parametrize(
    "confusion", [[[1, 0], [1, 1]], [[[1, 0], [0, 2]], [[3, 0], [0, 0]]], [0.25, 3.0]]
)
def test_the_counts_of_each_task_come_back(confusion: Any) -> None:
    back = Fold.from_json(json.dumps(fold(confusion=confusion).to_dict())).figures.confusion
    assert back.tolist() == confusion
    assert back.dtype == np.array(confusion).dtype


def test_a_cross_validation_follows_from_its_folds() -> None:
    whole = CrossValidation("net", "bars.npz", ("a", "b"), 9, 4, False, (fold(0), fold(1)))
    text = json.dumps({**whole.to_dict(), "mean": "not read"}, allow_nan=True)
    back = CrossValidation.from_json(text)
    assert (back.name, back.data, back.classes, back.sealed) == ("net", "bars.npz", ("a", "b"), 9)
    assert (back.examples, back.confusion.tolist()) == (6, [[2, 0], [2, 2]])
    assert back.metrics == ("accuracy", "loss")
    assert [json.dumps(each.to_dict()) for each in back.folds][1] == FOLD_TEXT


def test_which_example_is_in_which_fold() -> None:
    cut = Cut("bars.npz", False, [4, 7, 9], [1, 0, 1], {"seed": 3})
    assert json.dumps(cut.to_dict()) == (
        '{"format": 1, "data": "bars.npz", "random_labels": false, "seed": 3, "folds": 2, '
        '"examples": [4, 7, 9], "fold": [1, 0, 1]}'
    )


def test_a_trial_keeps_its_keys() -> None:
    assert json.dumps(row().to_dict()) == ROW_TEXT
    assert parse(Row, ROW_TEXT) == row()


def test_a_search_is_read_with_all_that_was_written() -> None:
    look = TrialLook(1, 2, "2026-01-02T03:04:05", {"accuracy": 0.5})
    settings = SearchSettings(method="random", trials=3)
    found = Results(
        "net", "bars.npz", settings, (row(),), (look,), ("variables.width",), 4, {"a": 0.5}
    )
    text = json.dumps(found.to_dict())
    assert Results.from_json(text) == found
    assert list(json.loads(text)) == [
        "format", "kind", "name", "data", "settings", "best", "front", "paths", "combinations",
        "looks", "trials", "importance",
    ]  # fmt: skip
    earlier = json.loads(text)
    del earlier["paths"], earlier["combinations"], earlier["importance"]
    assert Results.from_json(json.dumps(earlier)).paths == ("variables.width",)


def test_what_the_database_keeps_of_a_trial() -> None:
    trained = TrialRecord(1, (EPOCH,), {"macs": 12}, 0.5, "step 3 is no number")
    kept = trained.attributes()
    assert {key: type(value) for key, value in kept.items()} == {
        "best_epoch": int, "history": str, "totals": str, "seconds": float, "failed": str,
    }  # fmt: skip
    trial: Any = SimpleNamespace(number=7, user_attrs=kept)
    assert TrialRecord.of(trial) == trained
    untrained: Any = SimpleNamespace(number=7, user_attrs={"rejected": "too large"})
    assert TrialRecord.of(untrained) == TrialRecord()
    trial.user_attrs = {**kept, "history": '[{"epoch": 1}]'}
    with pytest.raises(TrainingError) as caught:
        TrialRecord.of(trial)
    assert str(caught.value) == ("trial 7 of the study is damaged: it has no 0.train, 0.validation")


def test_a_nested_search_has_its_attributes_as_keys() -> None:
    nested = Nested("net", "bars.npz", 2, (OUTER,), 9)
    assert parse(Nested, json.dumps(asdict(nested))) == nested
    assert list(asdict(OUTER)) == [
        "fold", "trial", "choices", "epochs", "validation", "metrics", "examples",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reader", "text", "why"),
    [
        (Fold.from_json, '{"fold": 0}', "it has no trained, examples, metrics, confusion"),
        (
            Fold.from_json,
            FOLD_TEXT.replace("[1, 1]", "[1]"),
            "`confusion`: its rows have not one length",
        ),
        (
            CrossValidation.from_json,
            EMPTY_TEXT,
            "`folds`: tuple should have at least 1 item after validation, not 0",
        ),
        (partial(parse, OuterFold), '{"fold": 0, "more": 1}', "it has no trial, choices, epochs"),
        (Results.from_json, '{"trials": [], "looks": [], "settings": {}}', "it has no name, data"),
    ],
)
def test_a_file_of_other_values_is_damaged(
    tmp_path: Path, reader: Callable[[str], object], text: str, why: str
) -> None:
    (tmp_path / "kept.json").write_text(text)
    with pytest.raises(TrainingError) as caught:
        RunDirectory(tmp_path).read_record("kept.json", reader)
    assert str(caught.value).startswith(f"{tmp_path / 'kept.json'} is damaged: {why}")
