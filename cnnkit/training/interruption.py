"""Ctrl-C and SIGTERM as a wish that the loop fulfils where nothing is lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BEYOND = 128  # what shells add to the number of the signal that ended a process


class Interruption:
    """Catches the first signal that asks the process to end; a second one ends it at once.

    Attributes:
        received: The signal, or None.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __bool__(self) -> bool:
        return self.received is not None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that the signal has ended: 130 for Ctrl-C."""
        return _BEYOND + self.received if self.received else 0

    @property
    def name(self) -> str:
        """What messages call the signal."""
        return "Ctrl-C" if self.received == signal.SIGINT else "SIGTERM"

    def __enter__(self) -> Self:
        # Python lets the main thread alone set handlers.
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._catch) for each in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        self._restore()

    def _restore(self) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)
        self._before = {}
