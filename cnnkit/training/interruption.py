"""Ctrl-C and the signals that ask a process to end, as a wish fulfilled where nothing is lost.

SIGTERM, SIGHUP of a terminal that closes, and SIGUSR1 and SIGUSR2, which schedulers of clusters
send some time before the limit of a job.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, ClassVar, Self

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)  # Windows has not all of them
)
"""Those that ask to end."""
_BEYOND = 128  # what shells add to the number of the signal that ended a process


class Interruption:
    """Catches the first signal that asks to end; a second Ctrl-C or SIGTERM ends at once.

    Attributes:
        received: The signal, or None.
    """

    _at_once: ClassVar[tuple[signal.Signals, ...]] = (signal.SIGINT, signal.SIGTERM)
    """What ends the process where it comes again; what a scheduler repeats is the same wish."""

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
        if self.received is None or self.received == signal.SIGINT:
            return "Ctrl-C"
        return self.received.name

    def agree(self) -> bool:
        """Whether to end; of several processes as all of them say together."""
        return bool(self)

    def __enter__(self) -> Self:
        # Python lets the main thread alone set handlers.
        if threading.current_thread() is threading.main_thread():
            self._before = {
                each: signal.signal(each, self._catch)
                for each in SIGNALS
                # Under nohup a process was told that the end of its terminal is none of its own.
                if signal.getsignal(each) is not signal.SIG_IGN
            }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        self._hear(signal.Signals(number))
        for each in self._at_once:
            if each in self._before:
                signal.signal(each, self._before.pop(each))

    def _hear(self, found: signal.Signals) -> None:
        self.received = found

    def _restore(self) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)
        self._before = {}
