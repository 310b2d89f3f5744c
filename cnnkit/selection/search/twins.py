"""Trials with the same choices, of which one alone is trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cnnkit.selection.search.marks import ACCEPTED, REJECTED
from cnnkit.selection.search.workers import Workers

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial


def twin(trial: Trial, trials: Callable[[], Iterable[FrozenTrial]], workers: Workers) -> int | None:
    """The number of another trial with the same choices that goes before this one.

    Two processes that draw the same at the same moment each see the other: the lower number
    goes first, unless the higher has been accepted already.

    Args:
        trial: The trial, which has drawn its choices; it is accepted where there is no other.
        trials: Gives all trials as they are at the moment.
        workers: The processes that run them.
    """
    from optuna.trial import TrialState

    while True:
        wait = False
        for other in trials():
            same = other.number != trial.number and other.params == trial.params
            dropped = other.state in (TrialState.FAIL, TrialState.WAITING)
            if not same or dropped or REJECTED in other.user_attrs:
                continue
            if other.number < trial.number or other.state.is_finished():
                return other.number
            if ACCEPTED in other.user_attrs:
                return other.number
            wait = not workers.lost([other]) or wait
        if not wait:
            trial.set_user_attr(ACCEPTED, True)
            return None
        time.sleep(0.05)
