"""Signs of life of processes that have nothing but a storage in common.

A server of SQL keeps the time of each sign by its own clock, and Optuna asks it which are old.
Where a storage keeps none, a sign is an attribute of the trial that changes: a process counts as
lost once another one has seen the same value for too long by its own clock. So no two clocks are
compared, and whoever comes later waits as long as all others do.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from cnnkit.selection.search.marks import HEARTBEAT
from cnnkit.selection.search.private import id_of_trial, stale_trials

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage
    from optuna.trial import FrozenTrial

BEAT_SECONDS: Final = 10
"""The time between two signs of life."""

GRACE_SECONDS: Final = 120
"""The silence after which a process on another machine is taken for dead."""


class Heartbeats(Protocol):
    """The signs of life that trials are given."""

    def beat(self, trial_id: int) -> None:
        """Gives a trial a sign of life."""
        ...

    def silent(self, running: list[FrozenTrial]) -> list[FrozenTrial]:
        """Those of the running trials that had none for too long."""
        ...


class ServerHeartbeats:
    """Signs whose times a server keeps.

    Args:
        storage: One that was opened with heartbeats.
        study_id: The study's number in it.
    """

    def __init__(self, storage: RDBStorage, study_id: int) -> None:
        self.storage = storage
        self.study_id = study_id

    def beat(self, trial_id: int) -> None:
        """Has the server note the time."""
        self.storage.record_heartbeat(trial_id)

    def silent(self, running: list[FrozenTrial]) -> list[FrozenTrial]:
        """Those without a sign for too long, by the clock of the server."""
        silent = set(stale_trials(self.storage, self.study_id))
        return [trial for trial in running if id_of_trial(trial) in silent]


class AttributeHeartbeats:
    """Signs that are attributes of trials.

    Args:
        storage: One of any kind.
        process: The name of this process.
        clock: Tells the seconds; it never goes back.
    """

    def __init__(
        self, storage: BaseStorage, process: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.storage = storage
        self.process = process
        self.clock = clock
        self._count = itertools.count()
        self._seen: dict[int, tuple[object, float]] = {}

    def beat(self, trial_id: int) -> None:
        """Writes what it has never written before."""
        sign = f"{self.process} {next(self._count)}"
        self.storage.set_trial_user_attr(trial_id, HEARTBEAT, sign)

    def silent(self, running: list[FrozenTrial]) -> list[FrozenTrial]:
        """Those whose sign has stayed the same for too long."""
        return [trial for trial in running if self._silence(trial) > GRACE_SECONDS]

    def _silence(self, trial: FrozenTrial) -> float:
        """The seconds since a sign was new to this process."""
        sign, now = trial.user_attrs.get(HEARTBEAT), self.clock()
        known, since = self._seen.get(id_of_trial(trial), (None, now))
        if known != sign:
            since = now
        self._seen[id_of_trial(trial)] = sign, since
        return now - since
