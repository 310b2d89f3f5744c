"""How the benchmarks measure: both sides in turn, the median of each, and on what machine.

A machine that is busy for a while is then busy for both sides, and the ratio holds.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

Seconds = float
Measure = Callable[[], Seconds]


def in_turn(sides: Mapping[str, Measure], n: int) -> dict[str, Seconds]:
    """The median of ``n`` measures of each side, taken A B A B, after one that is not counted."""
    for measure in sides.values():
        measure()
    taken: dict[str, list[Seconds]] = {name: [] for name in sides}
    for _ in range(n):
        for name, measure in sides.items():
            taken[name].append(measure())
    return {name: median(values) for name, values in taken.items()}


@contextmanager
def realtime() -> Iterator[None]:
    """This process's threads at real-time priority, on a Linux machine that others use.

    Before that the others have their turn.
    """
    time.sleep(0.1)
    _schedule(os.SCHED_FIFO, 10)
    try:
        yield
    finally:
        _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))


def machine() -> dict[str, str]:
    """The processor and the Python that a figure belongs to."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions(*packages: str) -> dict[str, str]:
    """The versions of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def environment() -> dict[str, str]:
    """The variables of a new process, which may keep the modules that it compiles.

    An installed package is compiled: neither side compiles after the first, uncounted run.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def milliseconds(seconds: Seconds) -> str:
    """A time as a table shows it."""
    return f"{1000 * seconds:,.0f} ms" if seconds >= 0.1 else f"{1000 * seconds:.1f} ms"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is of names, the others are of figures."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = [f"{'-' * (widths[0])}", *[f"{'-' * (width - 1)}:" for width in widths[1:]]]
    lines = [header, rule, *rows]
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def heading(facts: Mapping[str, str]) -> str:
    """The facts that a table of figures begins with, on one line."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
