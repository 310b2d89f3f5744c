"""Where the time of a run goes, phase by phase."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, get_args

Phase = Literal["compile", "data", "device", "evaluation", "checkpoint"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)


class Phases:
    """Seconds of each phase since they were last taken. Phases may nest: the inner one counts."""

    def __init__(self) -> None:
        self._seconds: dict[Phase, float] = dict.fromkeys(PHASES, 0.0)
        self._running: list[Phase] = []
        self._since = time.perf_counter()
        self._begun = self._since

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Counts the time inside as that of a phase."""
        self._settle()
        self._running.append(name)
        try:
            yield
        finally:
            self._settle()
            self._running.pop()

    def take(self) -> dict[str, float]:
        """The seconds of each phase and in `total` since the last time, rounded to 0.1 ms."""
        self._settle()
        now = self._since
        taken: dict[str, float] = {str(name): each for name, each in self._seconds.items()}
        taken["total"] = now - self._begun
        self._seconds = dict.fromkeys(PHASES, 0.0)
        self._begun = now
        return {name: round(seconds, 4) for name, seconds in taken.items()}

    def _settle(self) -> None:
        now = time.perf_counter()
        if self._running:
            self._seconds[self._running[-1]] += now - self._since
        self._since = now
