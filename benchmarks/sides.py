"""The sides of the benchmarks of networks: programs that take steps when they are asked to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from measuring import environment


class Side(NamedTuple):
    """A program of the comparison.

    Attributes:
        name: What the table calls it.
        script: Its file.
        converted_to: The framework that the network is converted to for it.
        needs: The packages that it imports.
        flags: What it is told beside the task.
        variable: The environment variable that names its interpreter.
        settings: What is set in its environment.
        precision: What it computes in, where that is not what all others do.
    """

    name: str
    script: str
    converted_to: str | None = None
    needs: tuple[str, ...] = ("jax", "flax")
    flags: tuple[str, ...] = ()
    variable: str = ""
    settings: Mapping[str, str] = {}
    precision: str = ""

    @property
    def interpreter(self) -> str:
        """The Python that runs it."""
        return os.environ.get(self.variable) or sys.executable

    def installed(self) -> bool:
        """Whether the interpreter has what it needs."""
        found = " and ".join(f"find_spec({name!r})" for name in self.needs)
        code = f"from importlib.util import find_spec; import sys; sys.exit(not ({found}))"
        return subprocess.run([self.interpreter, "-c", code], check=False).returncode == 0


class Process:
    """A side at work."""

    def __init__(self, side: Side, command: Sequence[str]) -> None:
        self.side = side
        settings = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **side.settings}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if "-q" in sys.argv else None,
            text=True,
            env=environment() | settings,
        )

    def ask(self, line: str | None = None) -> dict[str, float]:
        """The answer to a line, or the first one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if line is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        for said in self.process.stdout:
            with suppress(ValueError):
                answer: dict[str, float] = json.loads(said)
                return answer
        raise RuntimeError(f"{self.side.name} ended with {self.process.wait()}")

    def burst(self, steps: int, *, realtime: bool = False) -> dict[str, float]:
        """The seconds of a step, those of all cores together, and the most memory so far."""
        if not realtime:
            return self.ask(str(steps))
        time.sleep(0.5)  # the others have their turn
        self._schedule(os.SCHED_FIFO, 10)
        try:
            return self.ask(str(steps))
        finally:
            self._schedule(os.SCHED_OTHER, 0)

    def _schedule(self, policy: int, priority: int) -> None:
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))

    def end(self) -> None:
        """Waits for its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
            return
        self.process.kill()


@contextmanager
def processes() -> Iterator[list[Process]]:
    """The processes that are appended; they end with the context."""
    running: list[Process] = []
    try:
        yield running
    finally:
        for process in running:
            process.end()


class Figures(NamedTuple):
    """What was measured of a side.

    Attributes:
        compile: The seconds until it was ready.
        seconds: Those of a step by the clock.
        cores: Those of all cores together.
        memory: The most bytes.
    """

    compile: float
    seconds: float
    cores: float
    memory: int


def ready(running: list[Process], compiled: dict[str, float], network: str) -> None:
    """Waits until all that run have compiled, and lets go of those that can't.

    Args:
        running: The processes.
        compiled: The seconds that each took, by the name of its side; those in it have answered.
        network: What they compute, to name it.
    """
    for process in list(running):
        if process.side.name in compiled:
            continue
        try:
            compiled[process.side.name] = process.ask()["compile"]
        except RuntimeError as error:
            print(f"{network}: {error}", file=sys.stderr)
            running.remove(process)
            process.end()


def in_bursts(
    running: Sequence[Process],
    compiled: Mapping[str, float],
    n: int,
    seconds: float,
    *,
    realtime: bool,
) -> dict[str, Figures]:
    """The medians of ``n`` bursts of steps that the sides take in turn.

    Args:
        running: The processes, ready.
        compiled: The seconds that each took to be.
        n: Bursts of each.
        seconds: What a burst should take; it has one step at least.
        realtime: Whether they have the cores for themselves meanwhile.
    """
    steps = {}
    for process in running:
        process.burst(2, realtime=realtime)
        one = process.burst(2, realtime=realtime)["seconds"]
        steps[process.side.name] = max(1, round(seconds / one))
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in steps}
    for _ in range(n):
        for process in running:
            name = process.side.name
            taken[name].append(process.burst(steps[name], realtime=realtime))
    return {
        name: Figures(
            compiled[name],
            median(each["seconds"] for each in answers),
            median(each["cores"] for each in answers),
            int(answers[-1]["memory"]),
        )
        for name, answers in taken.items()
    }
