"""Signs of life that are attributes of trials, by a clock that the test moves."""

from __future__ import annotations

import pytest

pytest.importorskip("optuna")
import optuna
from optuna.trial import FrozenTrial

from cnnkit.selection.search.heartbeats import GRACE_SECONDS, AttributeHeartbeats
from cnnkit.selection.search.private import id_of_trial, storage_of


class Clock:
    """Says the seconds that it is set to."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def test_a_process_is_silent_once_its_sign_has_stayed_the_same_for_too_long() -> None:
    study = optuna.create_study()
    storage, (first, second) = storage_of(study), (study.ask(), study.ask())
    theirs = AttributeHeartbeats(storage, "theirs")
    clock = Clock(1e6)  # of another machine: no two clocks are compared
    ours = AttributeHeartbeats(storage, "ours", clock)

    def silent() -> list[int]:
        running: list[FrozenTrial] = study.get_trials()
        return [trial.number for trial in ours.silent(running)]

    theirs.beat(id_of_trial(first))
    assert silent() == []  # the second has no sign yet, and is given the same time
    clock.seconds += GRACE_SECONDS
    assert silent() == []
    theirs.beat(id_of_trial(first))
    clock.seconds += 1
    assert silent() == [second.number]
    clock.seconds += GRACE_SECONDS
    assert silent() == [second.number]  # the new sign was first seen a moment ago
    clock.seconds += 1
    assert silent() == [first.number, second.number]
    theirs.beat(id_of_trial(first))
    assert silent() == [second.number]
