"""A study: the trials of a search in a database, shared by any number of processes.

The trials are planned as numbered slots, each of which waits in the database until one process
claims it, so that any number of processes together run just as many as were asked for. A trial
that its process leaves behind is marked as interrupted and its slot waits again, with the same
choices; one whose choices make no valid network is marked as rejected, and its slot is drawn anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cnnkit.errors import UsageError
from cnnkit.selection.search.claims import Claims
from cnnkit.selection.search.database import close_storage, is_file, open_storage
from cnnkit.selection.search.heartbeats import AttributeHeartbeats, ServerHeartbeats
from cnnkit.selection.search.marks import REJECTED, SLOT
from cnnkit.selection.search.private import id_of_study, id_of_trial
from cnnkit.selection.search.slots import Slots
from cnnkit.selection.search.workers import (
    HAS_LOCKS,
    DistantWorkers,
    LocalWorkers,
    Workers,
    name_of_process,
)

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

Direction: TypeAlias = Literal["maximize", "minimize"]


class Study:
    """The trials of one search, in their database.

    Args:
        url: The database, as SQLAlchemy writes it: ``sqlite:///FILE``, ``postgresql://…``; or
            ``journal:///FILE`` and ``grpc://HOST:PORT``, which Optuna has beside these.
        name: The name of the study in the database.
        directions: ``maximize`` or ``minimize`` for each objective.
        identity: What all processes that share the study must agree on; JSON.

    Attributes:
        workers: The processes that share it.
        slots: The trials that were asked for.
        claims: Which process runs which of them.

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
            created = False
        else:
            created = True
            self.optuna.set_user_attr("identity", json.dumps(identity))
        agree(self.optuna, identity)
        self.workers: Workers = self._workers()
        self.slots = Slots(self.optuna, self.workers, planner=created)
        self.claims = Claims(self.optuna, self.storage, self.workers, self.slots)

    def _workers(self) -> Workers:
        from optuna.storages import RDBStorage

        name, storage = name_of_process(), self.storage
        if not isinstance(storage, RDBStorage):
            return DistantWorkers(name, AttributeHeartbeats(storage, name))
        path = storage.engine.url.database
        if is_file(self.url) and path and HAS_LOCKS:
            return LocalWorkers(Path(f"{path}-workers"))
        return DistantWorkers(name, ServerHeartbeats(storage, id_of_study(self.optuna)))

    def trials(self) -> list[FrozenTrial]:
        """All trials, in the order of their numbers."""
        return self.optuna.get_trials(deepcopy=False)

    def reject(self, trial: Trial, reason: str, *, again: Mapping[str, Any] | None) -> None:
        """Ends a trial without training.

        Args:
            trial: The trial.
            reason: Why.
            again: What is fixed of the choices that its slot tries next; None ends the slot.
        """
        if self.finish(trial, None, {REJECTED: reason}) and again is not None:
            self.slots.again(trial.user_attrs.get(SLOT), again, instead_of=trial.number)

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

    def close(self) -> None:
        """Lets go of the database."""
        self.workers.finished()
        if isinstance(self.workers, LocalWorkers):
            self.workers.close()
        close_storage(self.storage)


def agree(study: OptunaStudy, identity: Mapping[str, Any]) -> None:
    """Holds what a process searches against what the study was begun with.

    Raises:
        UsageError: It is something else.
    """
    kept = None
    for _ in range(50):  # whoever made the study a moment ago writes it next
        kept = study.user_attrs.get("identity")
        if kept is not None:
            break
        time.sleep(0.1)
    if kept is None:
        study.set_user_attr("identity", json.dumps(identity))
        return
    known = json.loads(kept)
    differing = [key for key in identity if known.get(key) != json.loads(json.dumps(identity[key]))]
    if differing:
        raise UsageError(
            f"the study `{study.study_name}` was begun with another {' and '.join(differing)}: "
            "go on with what it was begun with, or give another --run-dir or --study"
        )


def finished_trials(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Those that were trained to their end."""
    from optuna.trial import TrialState

    return [trial for trial in trials if trial.state == TrialState.COMPLETE]
