"""Which process a trial runs in, and whether that process is still there.

A process that is killed leaves its trial as running. Of an embedded database the processes share
a file system: each holds a lock on a file of its own, which the kernel releases at its death, at
once and in any case. Otherwise they do not: there they have to give a sign of life.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from cnnkit.selection.search.heartbeats import BEAT_SECONDS, Heartbeats

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

HAS_LOCKS: Final = importlib.util.find_spec("fcntl") is not None
"""Whether the system has locks that end with their process; Windows has not."""


def name_of_process() -> str:
    """A name that no other process has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Workers(Protocol):
    """The processes that share a study.

    Attributes:
        name: That of this one.
        exclusive: Whether ``lock`` keeps all others out.
    """

    name: str
    exclusive: bool

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Keeps the others from claiming a trial, where a lock that all share can be had."""
        ...

    def started(self, trial_id: int) -> None:
        """Called before this process claims a trial: from now on it vouches for it."""
        ...

    def finished(self) -> None:
        """Called once this process runs no trial."""
        ...

    def lost(self, running: list[FrozenTrial]) -> list[FrozenTrial]:
        """Those of the running trials whose process is gone."""
        ...


class LocalWorkers:
    """Processes on one file system.

    Args:
        folder: Where they keep their locks; it is made.
    """

    exclusive = True

    def __init__(self, folder: Path) -> None:
        import fcntl

        self._flock = fcntl.flock
        self._exclusively, self._at_once = fcntl.LOCK_EX, fcntl.LOCK_EX | fcntl.LOCK_NB
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.name = name_of_process()
        self._own = os.open(folder / self.name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._flock(self._own, self._exclusively)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One process at a time."""
        handle = os.open(self.folder / "claims", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            self._flock(handle, self._exclusively)
            yield
        finally:
            os.close(handle)

    def started(self, trial_id: int) -> None:
        """The lock that is held says all."""

    def finished(self) -> None:
        """The lock is held to the end of the process."""

    def lost(self, running: list[FrozenTrial]) -> list[FrozenTrial]:
        """Those whose process no longer holds its lock."""
        return [trial for trial in running if not self._alive(trial.user_attrs.get("worker"))]

    def close(self) -> None:
        """Gives the lock up, as the end of the process does."""
        (self.folder / self.name).unlink(missing_ok=True)
        os.close(self._own)

    def _alive(self, name: str | None) -> bool:
        if name is None or name != Path(name).name:
            return False
        try:
            handle = os.open(self.folder / name, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            self._flock(handle, self._at_once)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(handle)


class DistantWorkers:
    """Processes that have nothing but the storage in common.

    Args:
        name: That of this one.
        heartbeats: The signs of life that they give there.
    """

    exclusive = False

    def __init__(self, name: str, heartbeats: Heartbeats) -> None:
        self.name = name
        self.heartbeats = heartbeats
        self._stop: threading.Event | None = None

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """The storage's own transactions have to do."""
        return contextlib.nullcontext()

    def started(self, trial_id: int) -> None:
        """Gives a first sign of life, and then one every few seconds."""
        self.finished()
        self.heartbeats.beat(trial_id)
        self._stop = threading.Event()
        threading.Thread(target=self._beat, args=(trial_id, self._stop), daemon=True).start()

    def finished(self) -> None:
        """Gives no further sign."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def lost(self, running: list[FrozenTrial]) -> list[FrozenTrial]:
        """Those without a sign of life for too long."""
        return self.heartbeats.silent(running)

    def close(self) -> None:
        """Gives no further sign."""
        self.finished()

    def _beat(self, trial_id: int, stop: threading.Event) -> None:
        while not stop.wait(BEAT_SECONDS):
            # A storage that is away for a moment is no reason to lose the trial's training.
            with contextlib.suppress(Exception):
                self.heartbeats.beat(trial_id)
