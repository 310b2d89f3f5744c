"""Several processes of this machine that train together: their output, and their end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from cnnkit.errors import UsageError
from cnnkit.training.distributed.sharing import gpus_of, keep_to_cores
from cnnkit.training.interruption import SIGNALS

Tell = Callable[[str], None]
BEGUN = "CNNKIT_LAUNCH_RUN"
"""The variable that names the file in which a launched training writes where its run is kept."""

_GRACE = 2.0
"""The seconds in which the others may say what they met, once one has failed."""
_POLL = 0.05
_KEPT = 200
_WRONG_USAGE = 2
_BEYOND = 128
_ASKED = frozenset(_BEYOND + each for each in SIGNALS)
"""What a process ends with that was asked to end, and has kept all."""
_OF_LAUNCH = ("--coordinator", "--processes", "--process-id")
_SILENT = "stopped sending heartbeats"
"""Behind which JAX names the process that is lost, before it aborts all others."""
_ABORTS = re.compile(r"[EF]\d{4} \d\d:\d\d:\d\d\.")
"""How the page begins that it writes then."""
_CHATTER = re.compile(r"\[Gloo\] Rank |connected peer ranks")
"""What a line holds that nobody has asked for; two threads may write theirs into one another."""


@dataclass
class Launched:
    """One of the processes.

    Attributes:
        index: Which, from 0 on.
        process: The process.
        kept: The last lines of what it says is wrong, which are shown where it is the cause.
        silent: The process that it says it has lost, where it says so.
    """

    index: int
    process: subprocess.Popen[str]
    silent: int | None = None
    readers: list[threading.Thread] = field(default_factory=list)
    kept: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT))

    @property
    def failed(self) -> bool:
        """Whether it ended, and neither well nor because it was asked to and had kept all."""
        code = self.process.returncode
        return code is not None and code != 0 and code not in _ASKED

    @property
    def ending(self) -> str:
        """How it ended, where it did not end well."""
        code = self.process.returncode
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    @property
    def exit_code(self) -> int:
        """As a shell has it."""
        code: int = self.process.returncode
        return code if code >= 0 else _BEYOND - code


def launch(
    arguments: Sequence[str], count: int, *, timeout: int, restarts: int = 0, tell: Tell
) -> int:
    """Runs a training as several processes of this machine, which share out its devices.

    Where one of them fails or is killed, all end within seconds, and what is told names it.

    Args:
        arguments: Those of ``cnnkit``: `train` and what follows.
        count: How many processes.
        timeout: The seconds after which one that is silent counts as lost.
        restarts: How often the run goes on by itself after a process was lost.
        tell: Takes a line for the user.

    Returns:
        The exit code: that of the process that failed first, 0 where none did.

    Raises:
        UsageError: What is to be run is no training, or there are too few devices.
    """
    if list(arguments[:1]) != ["train"]:
        given = f", not {arguments[0]}" if arguments else ""
        raise UsageError(
            f"launch runs `train`{given}: cnnkit launch -n {count} -- train specs/digits.yaml"
        )
    if own := [each for each in _OF_LAUNCH if _value_of(arguments, each) is not None]:
        raise UsageError(
            f"launch itself tells each process of the others: leave out {' and '.join(own)} behind "
            f"`train`; -n before it says how many there are"
        )
    on_cpu = _value_of(arguments, "--device") == "cpu"
    shares = [{} for _ in range(count)] if on_cpu else gpus_of(count, os.environ)
    with tempfile.TemporaryDirectory(prefix="cnnkit-launch-") as scratch, _Forwarded() as heard:
        begun = Path(scratch) / "run"
        for left in range(restarts, -1, -1):
            # What a killed process leaves in its scratch space goes with ours.
            shared = {"TMPDIR": scratch, BEGUN: str(begun), "CNNKIT_TIMEOUT": str(timeout)}
            failed, code = _run(arguments, [{**share, **shared} for share in shares], heard)
            if failed is None:
                return code
            run = begun.read_text("utf-8") if begun.exists() else None
            wanted = failed.exit_code != _WRONG_USAGE and run is not None
            if not wanted and failed.process.returncode > 0:
                return failed.exit_code  # it has said what is wrong
            goes_on = wanted and left > 0 and heard.number is None
            tell(_told(failed, count, timeout, run if wanted else None, goes_on=goes_on))
            if not goes_on:
                return failed.exit_code
            quiet = [each for each in arguments if each in ("--quiet", "-q")]
            arguments = ["train", "--resume", str(run), *quiet]
    raise AssertionError("a run ends or has no restarts left")


def tell_launcher(run: Path) -> None:
    """Writes where a run is kept for whoever has launched this process, if somebody has."""
    if place := os.environ.get(BEGUN):
        Path(place).write_text(str(run), "utf-8")


def _run(
    arguments: Sequence[str], shares: Sequence[Mapping[str, str]], heard: _Forwarded
) -> tuple[Launched | None, int]:
    """The process that failed, if one did, and what the first one ended with, once all have."""
    count, port = len(shares), _free_port()
    started: list[Launched] = []
    heard.started = started
    try:
        for index, share in enumerate(shares):
            variables = {
                "CNNKIT_COORDINATOR": f"127.0.0.1:{port}",
                "CNNKIT_PROCESSES": str(count),
                "CNNKIT_PROCESS_ID": str(index),
                "PYTHONUNBUFFERED": "1",
            }
            started.append(_start(index, arguments, {**os.environ, **share, **variables}))
            keep_to_cores(started[-1].process.pid, index, count)
        failed = _first_to_fail(started, heard)
    finally:  # some wait for one that is gone, and are not to be asked
        for each in started:
            if each.process.poll() is None:
                each.process.kill()
                each.process.wait()
    for each in started:
        for reader in each.readers:
            reader.join()
    if failed is not None:
        shown = set(started[0].kept)
        for line in failed.kept:
            if line not in shown:
                _show(failed, line, sys.stderr)
    return failed, started[0].exit_code


def _start(index: int, arguments: Sequence[str], environment: Mapping[str, str]) -> Launched:
    process = subprocess.Popen(  # noqa: S603 - this program, with the user's own arguments
        [sys.executable, "-m", "cnnkit", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        env=environment,
    )
    started = Launched(index, process)
    for source, target in ((process.stdout, sys.stdout), (process.stderr, sys.stderr)):
        if source is None:  # both are pipes
            continue
        reader = threading.Thread(target=_relay, args=(started, source, target), daemon=True)
        reader.start()
        started.readers.append(reader)
    return started


def _relay(started: Launched, source: IO[str], target: IO[str]) -> None:
    """Shows the lines of a process with its index before them.

    What the first process says is wrong is shown at once. The others would say the same again, or
    miss it, so theirs is kept.
    """
    before, aborts = "", False
    with source, suppress(ValueError, OSError):  # whoever read our output has left
        for line in source:
            if _SILENT in before and line.strip().isdecimal():
                started.silent = int(line)
            before, aborts = line, aborts or bool(_ABORTS.match(line))
            if aborts or _CHATTER.search(line):
                continue
            if target is sys.stderr:
                started.kept.append(line)
            if target is sys.stdout or not started.index:
                _show(started, line, target)


def _show(started: Launched, line: str, target: IO[str]) -> None:
    target.write(f"{started.index} | {line.rstrip()}\n")
    target.flush()


def _first_to_fail(started: Sequence[Launched], heard: _Forwarded) -> Launched | None:
    """Waits until all have ended, or one has failed; then a little for what the others met."""
    while not (first := [each for each in started if each.failed]) and not heard.again:
        if all(each.process.returncode is not None for each in started):
            return None
        time.sleep(_POLL)
        for each in started:
            each.process.poll()
    until = time.monotonic() + _GRACE
    for each in started:
        with suppress(subprocess.TimeoutExpired):
            each.process.wait(max(until - time.monotonic(), 0))
    # One that was killed is the cause; the others may only have missed it.
    failed = [*first, *(each for each in started if each.failed and each not in first)]
    by_signal = [each for each in first if each.process.returncode < 0]
    wrong_usage = [each for each in failed if each.exit_code == _WRONG_USAGE]
    return next(iter([*by_signal, *wrong_usage, *failed]), None)


class _Forwarded:
    """Passes the signals that ask to end on to the processes, which end where nothing is lost.

    Attributes:
        started: The processes.
        number: The signal that was heard; None before.
        again: Whether the end was asked for once more: then it is not waited for.
    """

    def __init__(self) -> None:
        self.started: Sequence[Launched] = ()
        self.number: int | None = None
        self.again = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        # Python lets the main thread alone set handlers.
        if threading.current_thread() is threading.main_thread():
            wanted = [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
            self._before = {each: signal.signal(each, self._hear) for each in wanted}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}

    def _hear(self, number: int, _frame: object) -> None:
        self.again = self.number is not None and number in (signal.SIGINT, signal.SIGTERM)
        self.number = number
        if number == signal.SIGINT:
            return  # a terminal sends it to the processes too
        for each in self.started:
            if each.process.poll() is None:
                each.process.send_signal(number)


def _told(failed: Launched, count: int, timeout: int, run: str | None, *, goes_on: bool) -> str:
    """What became of a launch, and what to do."""
    what = f"process {failed.index} of {count} {failed.ending}, and the others with it"
    if failed.silent is not None:
        what = f"process {failed.silent} of {count} was silent for {timeout} s; all were ended"
    if run is None:
        return what
    if goes_on:
        return f"{what}; the run goes on from its last checkpoint"
    return f"{what}; go on with `cnnkit launch -n {count} -- train --resume {run}`"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _value_of(arguments: Sequence[str], option: str) -> str | None:
    """The value of an option, where it is given."""
    for index, each in enumerate(arguments):
        if each == option and index + 1 < len(arguments):
            return arguments[index + 1]
        if each.startswith(f"{option}="):
            return each.partition("=")[2]
    return None
