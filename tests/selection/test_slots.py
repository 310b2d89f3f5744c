"""Slots: which trial stands for each, and which are there already. No database, no process."""

from __future__ import annotations

import pytest

pytest.importorskip("optuna")
import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from cnnkit.selection.search.marks import INSTEAD_OF, REJECTED, SLOT
from cnnkit.selection.search.slots import Slots, standing
from tests.selection.workers import Workers

STATES = {"complete": TrialState.COMPLETE, "lost": TrialState.FAIL, "pruned": TrialState.PRUNED}


def trial(slot: int | None, state: str, *, rejected: bool = False) -> FrozenTrial:
    marks = {} if slot is None else {SLOT: slot}
    marks |= {REJECTED: "too large"} if rejected else {}  # type: ignore[dict-item]
    values = [1.0] if state == "complete" else None
    return create_trial(state=STATES[state], values=values, user_attrs=marks)


def slots(workers: Workers | None = None, *, planner: bool = True) -> Slots:
    return Slots(optuna.create_study(), workers or Workers(), planner=planner)


def test_the_first_that_was_neither_rejected_nor_lost_stands_for_a_slot() -> None:
    lost, complete, second = trial(0, "lost"), trial(0, "complete"), trial(0, "complete")
    large, pruned = trial(1, "pruned", rejected=True), trial(1, "pruned")
    found = standing([lost, trial(None, "complete"), complete, large, second, pruned])
    assert [each is kept for each, kept in zip(found, (complete, pruned), strict=True)] == [
        True,
        True,
    ]
    assert standing([lost, large]) == []


def test_what_is_missing_is_planned_with_what_is_fixed_of_it() -> None:
    mine = slots()
    mine.plan([{"x": 1.0}, {"x": 2.0}])
    mine.plan([{"x": 1.0}, {"x": 2.0}, {"x": 3.0}])
    waiting = mine.standing()
    assert [each.user_attrs[SLOT] for each in waiting] == [0, 1, 2]
    assert [each.system_attrs["fixed_params"] for each in waiting] == [
        {"x": 1.0},
        {"x": 2.0},
        {"x": 3.0},
    ]
    assert mine.unfinished()


def test_a_slot_waits_again_with_the_same_choices() -> None:
    mine = slots()
    mine.study.add_trial(trial(4, "lost"))
    assert not mine.unfinished()
    mine.again(4, {"x": 0.5}, instead_of=0)
    (again,) = mine.standing()
    assert (again.user_attrs[SLOT], again.user_attrs[INSTEAD_OF]) == (4, 0)
    assert again.system_attrs["fixed_params"] == {"x": 0.5}
    assert mine.unfinished()


def test_without_a_lock_the_others_look_on_while_the_planner_plans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = slots(Workers(exclusive=False), planner=False)
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:  # another process has planned the first two of three, and was killed
            for slot in (0, 1):
                mine.study.enqueue_trial({"x": 7.0}, user_attrs={SLOT: slot})

    monkeypatch.setattr("cnnkit.selection.search.slots.time.sleep", wait)
    mine.plan([{"x": 1.0}] * 3)
    assert len(waits) == 2
    fixed = [each.system_attrs["fixed_params"]["x"] for each in mine.standing()]
    assert fixed == [7.0, 7.0, 1.0]


def test_a_finished_study_has_no_slot_left() -> None:
    mine = slots()
    mine.study.add_trial(
        create_trial(
            values=[1.0],
            params={"x": 0.5},
            distributions={"x": FloatDistribution(0, 1)},
            user_attrs={SLOT: 0},
        )
    )
    mine.plan([{}])
    assert not mine.unfinished()
    assert len(mine.study.trials) == 1
