"""Processes that were started otherwise than the first are refused, and told in what."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from cnnkit.training.distributed import differences
from cnnkit.training.distributed.differences import require_same_start
from cnnkit.training.options import Options

SOFTWARE = {"cnnkit": "1.0", "jax": "0.10.2"}


def spec(*units: int, **train: Any) -> Spec:
    layers = ["flatten", *[{"dense": {"units": each}} for each in units or (3,)]]
    return load({"input": "4x4x1", "layers": layers, "train": {"epochs": 2, **train}})


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """This is the second process, and knows how the first one was started."""
    first = {
        "another spec": json.loads(json.dumps(spec().to_dict())),
        "other options": {"--limit": None},
        "other software": SOFTWARE,
    }
    monkeypatch.setattr(differences, "alone", lambda: False)
    monkeypatch.setattr(differences, "together", nullcontext)
    monkeypatch.setattr(differences, "agreed", lambda _: first)
    monkeypatch.setattr(differences, "versions", lambda: SOFTWARE)
    monkeypatch.setattr("jax.process_index", lambda: 1)


@pytest.mark.usefixtures("second")
def test_processes_that_were_started_alike_go_on() -> None:
    # Each machine has its own folders and devices.
    require_same_start(spec(), Options(data_dir="/elsewhere", device="cpu"))


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize(
    ("written", "limit", "text"),
    [
        (
            spec(seed=3),
            None,
            (
                "another spec than process 0: `train.seed` is 3, and not said in process 0: give "
                "all of them the same file and the same --set"
            ),
        ),
        (
            spec(4, epochs=5),
            None,
            (
                "another spec than process 0: `layers.1.dense.units` is 4, and 3 in process 0; "
                "`train.epochs` is 5, and 2 in process 0: give all of them the same file and the "
                "same --set"
            ),
        ),
        (
            spec(4, 3, epochs=3),
            None,
            (
                "another spec than process 0: `layers` has 3 entries, and 2 in process 0; "
                "`train.epochs` is 3, and 2 in process 0: give all of them the same file and the "
                "same --set"
            ),
        ),
        (
            spec(),
            100,
            (
                "other options than process 0: `--limit` is 100, and null in process 0: give all "
                "of them the same"
            ),
        ),
    ],
)
def test_a_process_that_was_started_otherwise_says_in_what(
    written: Spec, limit: int | None, text: str
) -> None:
    with pytest.raises(UsageError) as caught:
        require_same_start(written, Options(limit=limit))
    assert str(caught.value) == f"process 1 was started with {text}"


@pytest.mark.usefixtures("second")
def test_a_process_of_other_software_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "versions", lambda: {"cnnkit": "1.0", "jax": "0.10.1"})
    with pytest.raises(UsageError) as caught:
        require_same_start(spec(), Options())
    assert str(caught.value) == (
        'process 1 was started with other software than process 0: `jax` is "0.10.1", and '
        '"0.10.2" in process 0: install the same versions everywhere'
    )


def test_one_process_is_compared_with_no_other() -> None:
    require_same_start(spec(), Options(limit=3))


def test_of_many_differences_a_few_are_named(second: None, monkeypatch: pytest.MonkeyPatch) -> None:
    other = spec(4, batch_size=8, epochs=5, seed=3)
    with pytest.raises(UsageError, match=", and 1 more: give all of them the same file"):
        require_same_start(other, Options())
