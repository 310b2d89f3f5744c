"""What gives out while a run is on its way is said in the terms of the recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest

from cnnkit.errors import TrainingError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.engine import Engine, Resident
from cnnkit.training.phases import Phases
from cnnkit.training.run import resume, train
from cnnkit.training.store.files import is_full_disk
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


class Notes(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_too_little_memory(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: Any) -> None:
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.")

    monkeypatch.setattr(Resident, "advance", exhausted)
    with pytest.raises(TrainingError) as caught:
        train(recipe(), run_dir=tmp_path / "run", display=Quiet())
    assert str(caught.value) == (
        "the memory of cpu does not suffice for `batch_size: 16`. Try `batch_size: 8` with "
        "`accumulate: 2`, the same steps but for the statistics of batch norm, `batch_size: auto`, "
        "or a smaller input or network"
    )


def test_an_operation_without_a_deterministic_form(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init = Engine.__init__

    def as_on_another_device(self: Engine, *arguments: Any) -> None:
        init(self, *arguments)
        self.options = {"xla_no_such_option": True}  # XLA refuses it, as it would an operation

    monkeypatch.setattr(Engine, "__init__", as_on_another_device)
    notes = Notes()
    train(recipe(epochs=1), run_dir=tmp_path / "run", display=notes)
    assert (
        "cpu has no deterministic form of a layer's operation: a resumed run will come close, and "
        "not to the same bits"
    ) in notes.notes


def test_other_software_is_said(recipe: Recipe, tmp_path: Path) -> None:
    run = train(recipe(epochs=1), run_dir=tmp_path / "run", display=Quiet()).path
    (run / "summary.json").unlink()
    environment = json.loads((run / "environment.json").read_text())
    environment["jax"] = "0.0.1"
    (run / "environment.json").write_text(json.dumps(environment))
    notes = Notes()
    resume(run, display=notes)
    assert notes.notes[0] == (
        f"the run may not end in the same bits: jax 0.0.1 then, {jax.__version__} now"
    )


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(28, "No space left on device"), True),
        (OSError(27, "File too large"), True),
        (ValueError("Error writing local file: No space left on device"), True),
        (ExceptionGroup("both", [ValueError("x"), OSError(28, "")]), True),
        (OSError(13, "Permission denied"), False),
        (ValueError("shapes differ"), False),
    ],
)
def test_a_full_disk_is_known_by_its_many_names(error: Exception, full: bool) -> None:
    assert is_full_disk(error) is full


def test_time_is_that_of_the_innermost_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    phases = Phases()
    now[0] = 1.0
    with phases.phase("device"):
        now[0] = 3.0
        with phases.phase("checkpoint"):
            now[0] = 3.5
        now[0] = 7.5
    now[0] = 8.0
    assert phases.take() == {
        "compile": 0, "data": 0, "device": 6.0, "evaluation": 0, "checkpoint": 0.5, "total": 8.0,
    }  # fmt: skip
    assert phases.take()["total"] == 0
