"""A finished run that goes on is the run that was begun with as many epochs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import resume, train
from cnnkit.training.view.display import Quiet

Recipe = Callable[..., Spec]


class Notes(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_at_a_constant_rate_it_ends_in_the_same_bits(recipe: Recipe, tmp_path: Path) -> None:
    short = train(recipe(epochs=3), run_dir=tmp_path / "short", display=Quiet())
    whole = train(recipe(epochs=6), run_dir=tmp_path / "whole", display=Quiet())
    longer = resume(short.path, epochs=6, display=Quiet())
    assert longer.summary is not None
    assert (longer.summary["epochs"], longer.summary["ending"]) == (6, "epochs")
    assert compare(longer.path, whole.path) == []
    assert "epochs: 6" in (short.path / "spec.yaml").read_text()
    again = resume(short.path, display=Quiet())
    assert again.summary == json.loads((short.path / "summary.json").read_text())


def test_a_schedule_spans_all_epochs_and_that_is_said(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe(epochs=2, learning_rate={"cosine": 0.05})
    run = train(spec, run_dir=tmp_path / "run", display=Quiet()).path
    notes = Notes()
    resume(run, epochs=4, display=notes)
    assert (
        "the learning rate goes on as in a run of 4 epochs: `cosine` spans all of them"
    ) in notes.notes
    lines = (run / "metrics.jsonl").read_text().splitlines()
    rates = [json.loads(line)["learning_rate"] for line in lines]
    # Cosine at the last step before the end of each epoch: of 8 steps, then of 16.
    assert rates[1] == pytest.approx(0.05 * 0.0380602, rel=1e-4)  # (1 + cos(7/8 pi)) / 2
    assert rates[2] == pytest.approx(0.05 * 0.2222149, rel=1e-4)  # (1 + cos(11/16 pi)) / 2


def test_what_cannot_be_lengthened_says_why(recipe: Recipe, tmp_path: Path) -> None:
    run = train(recipe(epochs=2), run_dir=tmp_path / "run", display=Quiet()).path
    with pytest.raises(UsageError, match=r"has done 2 epochs: `train\.epochs` has to be more"):
        resume(run, epochs=2, display=Quiet())
    assert (run / "summary.json").exists()
    stopped = recipe(epochs=20, early_stopping={"patience": 1, "min_delta": 1.0})
    run = train(stopped, run_dir=tmp_path / "stopped", display=Quiet()).path
    with pytest.raises(UsageError) as caught:
        resume(run, epochs=30, display=Quiet())
    assert str(caught.value) == (
        f"{run} was ended by its early stopping after 2 epochs, and would be again: begin a new "
        "run with more `patience`"
    )
