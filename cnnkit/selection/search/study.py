"""A study: the trials of a search in a database, shared by any number of processes.

The trials are planned as numbered slots, each of which waits in the database until one process
claims it, so that any number of processes together run just as many as were asked for. A trial
that its process leaves behind is marked as interrupted and its slot waits again, with the same
choices; one whose choices make no valid network is marked as rejected, and its slot is drawn anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from cnnkit.errors import UsageError
from cnnkit.selection.search.database import is_file, open_storage
from cnnkit.selection.search.private import id_of_study, id_of_trial
from cnnkit.selection.search.workers import HAS_LOCKS, DistantWorkers, LocalWorkers, Workers

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

Direction: TypeAlias = Literal["maximize", "minimize"]

SLOT: Final = "slot"
WORKER: Final = "worker"
REJECTED: Final = "rejected"
"""Why a trial was not trained: its network is invalid, too large, or known already."""
INTERRUPTED: Final = "interrupted"
FAILED: Final = "failed"
"""Why a trial could not go on."""
MOST_INTERRUPTIONS: Final = 3
"""After so many processes have ended in a trial it is not tried again."""
_PLANNING_SECONDS: Final = 2.0


class Study:
    """The trials of one search.

    Args:
        url: The database, as SQLAlchemy writes it: ``sqlite:///FILE``, ``postgresql://…``.
        name: The name of the study in the database.
        directions: ``maximize`` or ``minimize`` for each objective.
        identity: What all processes that share the study must agree on; JSON.

    Raises:
        UsageError: The database cannot be opened, or has a study of this name with another
            identity.
    """

    def __init__(
        self, url: str, name: str, directions: Sequence[Direction], identity: Mapping[str, Any]
    ) -> None:
        import optuna

        self.url = url
        self.name = name
        self.storage = open_storage(url)
        try:
            self.optuna: OptunaStudy = optuna.create_study(
                storage=self.storage,
                study_name=name,
                directions=list(directions),
                load_if_exists=False,
            )
        except optuna.exceptions.DuplicatedStudyError:
            self.optuna = optuna.load_study(study_name=name, storage=self.storage)
            self.created = False
        else:
            self.created = True
            self.optuna.set_user_attr("identity", json.dumps(identity))
        self._agree(identity)
        self.workers: Workers = self._workers()

    def _workers(self) -> Workers:
        path = self.storage.engine.url.database
        if is_file(self.url) and path and HAS_LOCKS:
            return LocalWorkers(Path(f"{path}-workers"))
        return DistantWorkers(self.storage, id_of_study(self.optuna))

    def _agree(self, identity: Mapping[str, Any]) -> None:
        kept = None
        for _ in range(50):  # whoever made the study a moment ago writes it next
            kept = self.optuna.user_attrs.get("identity")
            if kept is not None:
                break
            time.sleep(0.1)
        if kept is None:
            self.optuna.set_user_attr("identity", json.dumps(identity))
            return
        known = json.loads(kept)
        differing = [
            key for key in identity if known.get(key) != json.loads(json.dumps(identity[key]))
        ]
        if differing:
            raise UsageError(
                f"the study `{self.name}` was begun with another {' and '.join(differing)}: "
                "go on with what it was begun with, or give another --run-dir or --study"
            )

    def trials(self) -> list[FrozenTrial]:
        """All trials, in the order of their numbers."""
        return self.optuna.get_trials(deepcopy=False)

    def plan(self, slots: Sequence[Mapping[str, Any]]) -> None:
        """Makes the slots that are not there yet; each is what is fixed of its choices."""
        with self.workers.lock():
            missing = self._missing(len(slots))
            # Where no lock is shared, whoever made the study plans it; the others look on, and
            # help only where that comes to a stop.
            while not self.created and not self.workers.exclusive and missing:
                time.sleep(_PLANNING_SECONDS)
                before, missing = missing, self._missing(len(slots))
                if len(missing) == len(before):
                    break
            for slot in missing:
                self.optuna.enqueue_trial(dict(slots[slot]), user_attrs={SLOT: slot})

    def _missing(self, count: int) -> list[int]:
        there = {trial.user_attrs.get(SLOT) for trial in self._live()}
        return [slot for slot in range(count) if slot not in there]

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
                self.optuna.sampler, self.optuna.pruner = sampler(number), pruner
                return optuna.trial.Trial(self.optuna, trial_id)

    def _pop(self) -> int | None:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        for trial in self._live():
            if trial.state != TrialState.WAITING:
                continue
            self.workers.started(id_of_trial(trial))
            try:
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

    def _live(self) -> list[FrozenTrial]:
        """The trial that stands for each slot: the first that was neither rejected nor lost."""
        from optuna.trial import TrialState

        first: dict[int, FrozenTrial] = {}
        for trial in self.trials():
            slot = trial.user_attrs.get(SLOT)
            dropped = trial.state == TrialState.FAIL or REJECTED in trial.user_attrs
            if slot is not None and not dropped:
                first.setdefault(slot, trial)
        return list(first.values())

    def _retry(self) -> bool:
        """Lets the slots of lost trials wait again; whether there are any."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        running = [trial for trial in self.trials() if trial.state == TrialState.RUNNING]
        lost = self.workers.lost(running)
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
                self._again(slot, trial.params, trial.number)
        return bool(lost)

    def _interrupted(self) -> list[FrozenTrial]:
        return [trial for trial in self.trials() if INTERRUPTED in trial.user_attrs]

    def _again(self, slot: int | None, fixed: Mapping[str, Any], instead_of: int) -> None:
        attributes = {SLOT: slot, "instead_of": instead_of}
        self.optuna.enqueue_trial(dict(fixed), user_attrs=attributes)

    def reject(self, trial: Trial, reason: str, *, again: Mapping[str, Any] | None) -> None:
        """Ends a trial without training.

        Args:
            trial: The trial.
            reason: Why.
            again: What is fixed of the choices that its slot tries next; None ends the slot.
        """
        if self.finish(trial, None, {REJECTED: reason}) and again is not None:
            self._again(trial.user_attrs.get(SLOT), again, trial.number)

    def finish(
        self, trial: Trial, values: Sequence[float] | None, attributes: Mapping[str, Any]
    ) -> bool:
        """Ends a trial with its values, or as pruned where there are none.

        Returns:
            Whether it was still this process's: one that was silent for long has lost it.
        """
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        try:
            if self.storage.get_trial(id_of_trial(trial)).state != TrialState.RUNNING:
                return False
            for key, value in attributes.items():
                trial.set_user_attr(key, value)
            if values is None:
                self.optuna.tell(trial, state=TrialState.PRUNED)
            else:
                self.optuna.tell(trial, list(values))
        except UpdateFinishedTrialError:
            return False
        finally:
            self.workers.finished()
        return True

    def twin(self, trial: Trial) -> int | None:
        """The number of another trial with the same choices that goes before this one.

        Two processes that draw the same at the same moment each see the other: the lower number
        goes first, unless the higher has been accepted already.
        """
        from optuna.trial import TrialState

        while True:
            wait = False
            for other in self.trials():
                same = other.number != trial.number and other.params == trial.params
                dropped = other.state in (TrialState.FAIL, TrialState.WAITING)
                if not same or dropped or REJECTED in other.user_attrs:
                    continue
                if other.number < trial.number or other.state.is_finished():
                    return other.number
                if "accepted" in other.user_attrs:
                    return other.number
                wait = not self.workers.lost([other]) or wait
            if not wait:
                trial.set_user_attr("accepted", True)
                return None
            time.sleep(0.05)

    def running(self) -> list[FrozenTrial]:
        """The trials that some process runs."""
        from optuna.trial import TrialState

        return [trial for trial in self.trials() if trial.state == TrialState.RUNNING]

    def unfinished(self) -> bool:
        """Whether a slot waits or runs."""
        return any(not trial.state.is_finished() for trial in self._live())

    def close(self) -> None:
        """Lets go of the database."""
        self.workers.finished()
        if isinstance(self.workers, LocalWorkers):
            self.workers.close()
        self.storage.remove_session()
        self.storage.engine.dispose()


def finished_trials(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Those that were trained to their end."""
    from optuna.trial import TrialState

    return [trial for trial in trials if trial.state == TrialState.COMPLETE]
