"""The processes of a study as a test has them: none is real, and some are said to be gone."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from optuna.trial import FrozenTrial


class Workers:
    """Processes that share a lock, or have none.

    Attributes:
        gone: The names of those that have ended.
        calls: What was asked of this one.
    """

    name = "ours"

    def __init__(self, *, exclusive: bool = True, gone: Collection[str] = ()) -> None:
        self.exclusive = exclusive
        self.gone = set(gone)
        self.calls: list[str] = []

    def lock(self) -> contextlib.AbstractContextManager[None]:
        self.calls.append("lock")
        return contextlib.nullcontext()

    def started(self, trial_id: int) -> None:
        self.calls.append(f"started {trial_id}")

    def finished(self) -> None:
        self.calls.append("finished")

    def lost(self, running: list[FrozenTrial]) -> list[FrozenTrial]:
        return [trial for trial in running if trial.user_attrs.get("worker") in self.gone]
