"""Records and their JSON: the keys of the files, and what a file must hold to be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated

import pytest
from pydantic import Field

from cnnkit.training.store.checkpoint import Record
from cnnkit.training.store.epoch import Epoch, RunEpoch
from cnnkit.training.store.record import DamagedRecordError, parse

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
