"""Records and their JSON: the keys of the files, and what a file must hold to be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from cnnkit.errors import TrainingError
from cnnkit.training.store.checkpoint import Record
from cnnkit.training.store.data_record import DataRecord, SplitPart
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import Epoch, RunEpoch
from cnnkit.training.store.looks import Look, last_look
from cnnkit.training.store.record import DamagedRecordError, parse
from cnnkit.training.store.summary import Diagnosis, Summary

EPOCH = RunEpoch(
    epoch=2,
    train={"loss": 0.5, "accuracy": None},
    validation=None,
    step=20,
    learning_rate=0.125,
    time={"device": 1.5, "images_per_second": None},
)
EPOCH_TEXT = (
    '{"epoch": 2, "step": 20, "learning_rate": 0.125, "train": {"loss": 0.5, "accuracy": null}, '
    '"validation": null, "time": {"device": 1.5, "images_per_second": null}}'
)


@dataclass(frozen=True)
class Leaf:
    value: float


@dataclass(frozen=True)
class Tree:
    number: Annotated[int, Field(alias="trial")]
    leaf: Leaf | None
    names: tuple[str, ...] = ()
    figures: dict[str, float | None] = field(default_factory=dict)


def test_a_record_is_read_by_the_types_of_its_fields() -> None:
    text = '{"trial": 1, "leaf": {"value": 2, "more": 3}, "names": ["a"], "figures": {"b": null}}'
    assert parse(Tree, text) == Tree(1, Leaf(2.0), ("a",), {"b": None})
    assert parse(Tree, b'{"trial": 1, "leaf": null}') == Tree(1, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "it has no trial, leaf"),
        ('{"trial": 1, "leaf": {}}', "it has no leaf.value"),
        ('{"trial": "1", "leaf": null}', "`trial`: input should be a valid integer"),
        (
            '{"trial": 1, "leaf": null, "figures": {"a": "b"}}',
            "`figures.a`: input should be a valid number",
        ),
        ("[1]", "input should be an object"),
        ("{", "invalid JSON: EOF while parsing an object at line 1 column 1"),
    ],
)
def test_what_is_no_such_record_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(DamagedRecordError) as caught:
        parse(Tree, text)
    assert str(caught.value) == why


def test_an_epoch_of_a_run_is_a_line() -> None:
    assert json.dumps(EPOCH.to_dict()) == EPOCH_TEXT
    assert RunEpoch.from_json(EPOCH_TEXT) == EPOCH


def test_an_epoch_of_a_trial_has_its_figures_alone() -> None:
    text = '{"epoch": 1, "train": {"loss": 2.0}, "validation": {"loss": 3.0}}'
    epoch = Epoch(1, {"loss": 2.0}, {"loss": 3.0})
    assert json.dumps(epoch.to_dict()) == text
    assert parse(Epoch, text) == epoch


def test_the_record_of_a_checkpoint() -> None:
    text = (
        f'{{"format": 1, "step": 20, "history": [{EPOCH_TEXT}], "best": "step-00000010-epoch-0001",'
        f' "elapsed": 3.5}}'
    )
    record = Record(20, (EPOCH,), "step-00000010-epoch-0001", 3.5)
    assert json.dumps(record.to_dict()) == text
    assert parse(Record, text).to_dict() == record.to_dict()


def test_the_summary_of_a_run_keeps_its_keys() -> None:
    measured = {"examples": 15, "loss": 0.5, "confusion": [[7, 0], [1, 7]], "classes": []}
    diagnosis = Diagnosis("over-fitted", "the loss rose", ("stop: `epochs: 2`",), 2)
    summary = Summary(
        data="bars.npz",
        ending="early stopping",
        epochs=3,
        steps=12,
        updates=6,
        best_epoch=2,
        monitor="accuracy",
        training={"loss": 0.25},
        validation=measured,
        sealed=15,
        seconds=1.5,
        diagnosis=diagnosis,
    )
    text = json.dumps(summary.to_dict())
    assert text == (
        '{"format": 1, "data": "bars.npz", "ending": "early stopping", "epochs": 3, "steps": 12, '
        '"updates": 6, "best_epoch": 2, "monitor": "accuracy", "training": {"loss": 0.25}, '
        '"validation": {"examples": 15, "loss": 0.5, "confusion": [[7, 0], [1, 7]], "classes": []},'
        ' "test": null, "sealed": 15, "seconds": 1.5, "diagnosis": {"verdict": "over-fitted", '
        '"reason": "the loss rose", "advice": ["stop: `epochs: 2`"], "stop_at": 2}}'
    )
    assert parse(Summary, text) == summary
    assert parse(Summary, "{}") == Summary(), "an earlier version wrote less"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"epochs": "3"}', "`epochs`: input should be a valid integer"),
        ('{"test": [1]}', "`test`: input should be an object"),
        ('{"diagnosis": {"verdict": "balanced"}}', "it has no diagnosis.reason, diagnosis.advice"),
    ],
)
def test_a_summary_of_other_values_is_damaged(tmp_path: Path, text: str, why: str) -> None:
    run = RunDirectory(tmp_path)
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(TrainingError) as caught:
        run.read_summary()
    assert str(caught.value).startswith(f"{tmp_path / 'summary.json'} is damaged: {why}. Delete it")


@pytest.mark.parametrize("text", ["{", "[]", '{"looks": [{"checkpoint": 3}]}', '{"looks": {}}'])
def test_looks_that_are_damaged_are_none(tmp_path: Path, text: str) -> None:
    run = RunDirectory(tmp_path)
    (tmp_path / "looks.json").write_text(text)
    assert last_look(run) is None
    kept = {"run": "moved", "checkpoint": "a", "when": "2026-01-02", "figures": {"loss": 1.0}}
    (tmp_path / "looks.json").write_text(json.dumps({"format": 1, "looks": [kept]}))
    assert last_look(run) == Look(str(tmp_path), "a", "2026-01-02", {"loss": 1.0})


def test_a_name_of_a_file_that_is_no_text_is_read() -> None:
    """As Python has the bytes of such a name, which are JSON to Python alone."""
    text = json.dumps({"trial": 1, "leaf": None, "names": ["a\udcff"]})
    assert parse(Tree, text) == Tree(1, None, ("a\udcff",))
    with pytest.raises(DamagedRecordError, match="it has no leaf"):
        parse(Tree, json.dumps({"trial": 1, "names": ["a\udcff"]}))


def test_the_environment_of_a_run_keeps_its_keys() -> None:
    """The versions are keys of their own, the first ones; what is none of ours is a version."""
    environment = Environment(
        {"cnnkit": "0.1.0", "jax": "0.7.0"},
        system="Linux",
        processors=8,
        devices=("cpu",),
        variables={},
        command=("cnnkit", "train", "a.yaml"),
        started="2026-11-30T12:00:00+00:00",
        options={"data_dir": None, "device": "auto", "limit": None, "test": False},
    )
    kept = environment.to_dict()
    assert list(kept) == [
        "cnnkit", "jax", "system", "processors", "devices", "variables", "command", "started",
        "options",
    ]  # fmt: skip
    assert (kept["jax"], kept["devices"], kept["command"][1]) == ("0.7.0", ["cpu"], "train")
    assert Environment.from_json(json.dumps(kept)) == environment
    assert Environment.from_json(json.dumps({**kept, "later": 3})) == environment
    assert Environment.from_json("{}") == Environment()
    assert Environment().to_dict() == {}


def test_the_record_of_the_data_keeps_its_keys() -> None:
    """What earlier versions wrote is read: mean and deviation in place of the preprocessing."""
    record = DataRecord(
        data="digits",
        classes=("0", "1"),
        multi_label=False,
        sha256="ab",
        preprocessing={"format": 1},
        seed=0,
        stratified=True,
        own_test=False,
        train=SplitPart(6, "cd"),
        validation=SplitPart(0, "ef"),
        test=SplitPart(2, "01"),
    )
    text = json.dumps(record.to_dict())
    assert text == (
        '{"data": "digits", "classes": ["0", "1"], "multi_label": false, "sha256": "ab", '
        '"preprocessing": {"format": 1}, "seed": 0, "stratified": true, "own_test": false, '
        '"train": {"examples": 6, "sha256": "cd"}, "validation": {"examples": 0, "sha256": "ef"}, '
        '"test": {"examples": 2, "sha256": "01"}}'
    )
    assert parse(DataRecord, text) == record
    before = parse(DataRecord, '{"data": "mnist", "classes": ["0", "1"], "mean": [0], "later": 1}')
    assert (before.mean, before.preprocessing) == ((0.0,), None)
    assert record.differing(before) == ["data"]
    assert record.differing(replace(before, data="digits")) == []


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("split.json", '{"multi_label": 1, "classes": []}', "`multi_label`: input should be a val"),
        ("split.json", '{"multi_label": true}', "it has no classes"),
        ("environment.json", '{"command": "cnnkit"}', "`command`: input should be a valid array"),
        ("environment.json", '{"started": 5}', "`started`: input should be a valid string"),
    ],
)
def test_what_is_no_record_of_data_or_environment(
    tmp_path: Path, name: str, text: str, why: str
) -> None:
    (tmp_path / name).write_text(text)
    run = RunDirectory(tmp_path)
    with pytest.raises(TrainingError, match=rf"{name} is damaged: {why}"):
        run.read_split() if name == "split.json" else run.read_environment()
