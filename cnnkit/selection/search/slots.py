"""The slots of a search: as many as trials were asked for, each run to its end once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from cnnkit.selection.search.marks import INSTEAD_OF, REJECTED, SLOT
from cnnkit.selection.search.workers import Workers

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.trial import FrozenTrial

_PLANNING_SECONDS: Final = 2.0


class Slots:
    """The slots of a study.

    A slot waits in the database as a trial until one process claims it, so that any number of
    processes together run just as many trials as were asked for.

    Args:
        study: The study.
        workers: The processes that share it.
        planner: Whether this process made the study.
    """

    def __init__(self, study: OptunaStudy, workers: Workers, *, planner: bool) -> None:
        self.study = study
        self.workers = workers
        self.planner = planner

    def plan(self, slots: Sequence[Mapping[str, Any]]) -> None:
        """Makes the slots that are not there yet; each is what is fixed of its choices."""
        with self.workers.lock():
            missing = self._missing(len(slots))
            # Where no lock is shared, whoever made the study plans it; the others look on, and
            # help only where that comes to a stop.
            while not self.planner and not self.workers.exclusive and missing:
                time.sleep(_PLANNING_SECONDS)
                before, missing = missing, self._missing(len(slots))
                if len(missing) == len(before):
                    break
            for slot in missing:
                self.study.enqueue_trial(dict(slots[slot]), user_attrs={SLOT: slot})

    def again(self, slot: int | None, fixed: Mapping[str, Any], *, instead_of: int) -> None:
        """Lets a slot wait again.

        Args:
            slot: Its number.
            fixed: What is fixed of the choices that it tries now.
            instead_of: The number of the trial that stood for it.
        """
        attributes = {SLOT: slot, INSTEAD_OF: instead_of}
        self.study.enqueue_trial(dict(fixed), user_attrs=attributes)

    def standing(self) -> list[FrozenTrial]:
        """The trial that stands for each slot."""
        return standing(self.study.get_trials(deepcopy=False))

    def unfinished(self) -> bool:
        """Whether a slot waits or runs."""
        return any(not trial.state.is_finished() for trial in self.standing())

    def _missing(self, count: int) -> list[int]:
        there = {trial.user_attrs.get(SLOT) for trial in self.standing()}
        return [slot for slot in range(count) if slot not in there]


def standing(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trial that stands for each slot: the first that was neither rejected nor lost."""
    from optuna.trial import TrialState

    first: dict[int, FrozenTrial] = {}
    for trial in trials:
        slot = trial.user_attrs.get(SLOT)
        dropped = trial.state == TrialState.FAIL or REJECTED in trial.user_attrs
        if slot is not None and not dropped:
            first.setdefault(slot, trial)
    return list(first.values())
