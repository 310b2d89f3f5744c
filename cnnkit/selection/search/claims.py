"""Who runs which trial: a slot that waits is claimed by one process, a lost one waits again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cnnkit.selection.search.marks import FAILED, INTERRUPTED, SLOT, WORKER
from cnnkit.selection.search.private import id_of_trial
from cnnkit.selection.search.slots import Slots
from cnnkit.selection.search.workers import Workers

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

MOST_INTERRUPTIONS: Final = 3
"""After so many processes have ended in a trial it is not tried again."""


class Claims:
    """The claims of the processes that share a study.

    Args:
        study: The study.
        storage: Where it is kept.
        workers: The processes.
        slots: What is claimed.
    """

    def __init__(
        self, study: OptunaStudy, storage: BaseStorage, workers: Workers, slots: Slots
    ) -> None:
        self.study = study
        self.storage = storage
        self.workers = workers
        self.slots = slots

    def claim(self, sampler: Callable[[int], BaseSampler], pruner: BasePruner) -> Trial | None:
        """A trial that waits, from now on this process's; None where none does.

        Trials whose processes are gone wait again.

        Args:
            sampler: What draws the choices of the trial of a number.
            pruner: What says whether it lags behind.
        """
        import optuna

        while True:
            with self.workers.lock():
                trial_id = self._pop()
                if trial_id is None and not self._retry():
                    return None
            if trial_id is not None:
                number = self.storage.get_trial(trial_id).number
                self.study.sampler, self.study.pruner = sampler(number), pruner
                return optuna.trial.Trial(self.study, trial_id)

    def running(self) -> list[FrozenTrial]:
        """The trials that some process runs."""
        from optuna.trial import TrialState

        return [trial for trial in self._trials() if trial.state == TrialState.RUNNING]

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _pop(self) -> int | None:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        for trial in self.slots.standing():
            if trial.state != TrialState.WAITING:
                continue
            try:
                self.workers.started(id_of_trial(trial))
                if self.workers.exclusive:  # no other process can be putting its name there
                    self.storage.set_trial_user_attr(id_of_trial(trial), WORKER, self.workers.name)
                if not self.storage.set_trial_state_values(id_of_trial(trial), TrialState.RUNNING):
                    continue
                if not self.workers.exclusive:
                    self.storage.set_trial_user_attr(id_of_trial(trial), WORKER, self.workers.name)
            except UpdateFinishedTrialError:
                continue
            return id_of_trial(trial)
        self.workers.finished()
        return None

    def _retry(self) -> bool:
        """Lets the slots of lost trials wait again; whether there are any."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        lost = self.workers.lost(self.running())
        for trial in lost:
            slot = trial.user_attrs.get(SLOT)
            again = sum(each.user_attrs.get(SLOT) == slot for each in self._interrupted())
            reason = "its process ended before it did"
            key, state = INTERRUPTED, TrialState.FAIL
            if again + 1 >= MOST_INTERRUPTIONS:  # it may be what ends them
                reason = f"its process ended in it {again + 1} times"
                key, state = FAILED, TrialState.PRUNED
            try:
                self.storage.set_trial_user_attr(id_of_trial(trial), key, reason)
                self.storage.set_trial_state_values(id_of_trial(trial), state)
            except UpdateFinishedTrialError:
                continue  # another process was faster
            if state == TrialState.FAIL:
                self.slots.again(slot, trial.params, instead_of=trial.number)
        return bool(lost)

    def _interrupted(self) -> list[FrozenTrial]:
        return [trial for trial in self._trials() if INTERRUPTED in trial.user_attrs]
