"""Claims: who runs which trial. The study is in memory, the processes are none."""

from __future__ import annotations

import pytest

pytest.importorskip("optuna")
import optuna
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from cnnkit.selection.search.claims import MOST_INTERRUPTIONS, Claims
from cnnkit.selection.search.marks import FAILED, INSTEAD_OF, INTERRUPTED, SLOT, WORKER
from cnnkit.selection.search.private import storage_of
from cnnkit.selection.search.slots import Slots
from cnnkit.selection.search.twins import twin
from tests.selection.workers import Workers


def claims(workers: Workers, *planned: dict[str, float]) -> Claims:
    study = optuna.create_study()
    slots = Slots(study, workers, planner=True)
    slots.plan(planned)
    return Claims(study, storage_of(study), workers, slots)


def claimed(mine: Claims) -> Trial | None:
    return mine.claim(lambda number: RandomSampler(seed=number), NopPruner())


def test_each_slot_is_claimed_once_and_is_this_processs() -> None:
    workers = Workers()
    mine = claims(workers, {}, {})
    trials = [claimed(mine) for _ in range(2)]
    assert [trial and trial.user_attrs[SLOT] for trial in trials] == [0, 1]
    assert [each.user_attrs[WORKER] for each in mine.running()] == ["ours", "ours"]
    assert claimed(mine) is None
    assert workers.calls[-1] == "finished"  # it vouches for no other


def test_a_trial_has_the_sampler_of_its_number() -> None:
    asked: list[int] = []

    def sampler(number: int) -> RandomSampler:
        asked.append(number)
        return RandomSampler(seed=number)

    mine = claims(Workers(), {}, {})
    for _ in range(2):
        assert mine.claim(sampler, NopPruner()) is not None
    assert asked == [0, 1]


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_slot_of_a_process_that_is_gone_waits_again(exclusive: bool) -> None:
    workers = Workers(exclusive=exclusive)
    mine = claims(workers, {})
    first = claimed(mine)
    assert first is not None
    first.suggest_float("x", 0, 1)
    assert claimed(mine) is None, "its process is alive"
    workers.gone = {"ours"}
    second = claimed(mine)
    assert second is not None
    lost = mine.study.trials[0]
    assert (lost.state, lost.user_attrs[INTERRUPTED]) == (
        TrialState.FAIL,
        "its process ended before it did",
    )
    assert (second.user_attrs[SLOT], second.user_attrs[INSTEAD_OF]) == (0, 0)
    assert second.suggest_float("x", 0, 1) == lost.params["x"]


def test_a_trial_that_ends_its_processes_is_given_up() -> None:
    mine = claims(Workers(gone=["ours"]), {})
    trials = [claimed(mine) for _ in range(MOST_INTERRUPTIONS)]
    assert None not in trials
    assert claimed(mine) is None
    last = mine.study.trials[-1]
    assert (last.state, last.user_attrs[FAILED]) == (
        TrialState.PRUNED,
        "its process ended in it 3 times",
    )


def test_of_twins_the_lower_number_goes_first_and_a_lost_one_does_not_count() -> None:
    workers = Workers()
    mine = claims(workers, {"x": 0.5}, {"x": 0.5}, {"x": 0.25})
    first, second, third = (claimed(mine) for _ in range(3))
    assert first is not None
    assert second is not None
    assert third is not None
    for trial in (first, second, third):
        trial.suggest_float("x", 0, 1)

    def trials() -> list[FrozenTrial]:
        return mine.study.get_trials(deepcopy=False)

    assert twin(second, trials, workers) == 0
    workers.gone = {"ours"}  # else the first would wait for what becomes of the second
    assert twin(first, trials, workers) is None
    assert twin(third, trials, workers) is None
