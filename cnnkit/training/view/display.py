"""What a user sees of a run: a live bar on a terminal, a plain line an interval in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

from cnnkit.presentation.numbers import speed
from cnnkit.tasks.metric import METRICS
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.view.notebook import Notebook, in_notebook
from cnnkit.training.view.progress import Progress, RunPlan, figures_of, left, place

if TYPE_CHECKING:
    from rich.console import Console

_INTERVAL = 30.0
_BEST = "  ● best"
_DISPENSABLE = ("images/s", "rate", "time", "data wait")
"""The figures that a narrow terminal does without, the least wanted first."""


class Display(Protocol):
    """What the loop tells of itself."""

    def note(self, text: str) -> None:
        """A sentence that stays."""

    def working(self, text: str) -> None:
        """What is being done now, where that takes a while: it goes when something else is."""

    def begin(self, plan: RunPlan, step: int) -> None:
        """Training starts, at a step."""

    def progress(self, progress: Progress) -> None:
        """Some steps more."""

    def epoch(self, record: RunEpoch, *, best: bool) -> None:
        """An epoch has ended."""

    def close(self) -> None:
        """Nothing more comes."""


def make_display(*, quiet: bool = False, stream: TextIO | None = None) -> Display:
    """The display for a terminal, for a notebook, for a log, or none.

    Args:
        quiet: Whether nothing is to be shown but what needs the user's attention.
        stream: Where to; by default standard output.
    """
    out = stream or sys.stdout
    if quiet:
        return Quiet()
    if stream is None and in_notebook():
        return Notebook()
    if out.isatty():
        from rich.console import Console

        return Terminal(Console(file=out, highlight=False))
    return Log(out)


class Quiet:
    """Shows nothing; what matters is in the files of the run and in the exit code."""

    def note(self, text: str) -> None:
        """Nothing."""

    def working(self, text: str) -> None:
        """Nothing."""

    def begin(self, plan: RunPlan, step: int) -> None:
        """Nothing."""

    def progress(self, progress: Progress) -> None:
        """Nothing."""

    def epoch(self, record: RunEpoch, *, best: bool) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Log:
    """One plain line an epoch, and within a long one a line each half minute."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._plan = RunPlan(1, 1, 1)
        self._said = time.monotonic()

    def note(self, text: str) -> None:
        """A line."""
        self._line(text)

    def working(self, text: str) -> None:
        """Nothing: whoever reads a log reads what was done."""

    def begin(self, plan: RunPlan, step: int) -> None:  # noqa: ARG002
        """Nothing: the first line comes with the first figures."""
        self._plan = plan
        self._said = time.monotonic()

    def progress(self, progress: Progress) -> None:
        """A line, if the last one is long ago."""
        if time.monotonic() - self._said < _INTERVAL:
            return
        epoch, step = place(progress.step, self._plan)
        figures = [
            f"epoch {epoch}/{self._plan.epochs}",
            f"step {step}/{self._plan.steps_per_epoch}",
        ]
        figures += [f"loss {progress.loss:.4f}"]
        if progress.accuracy is not None:
            figures.append(f"accuracy {METRICS['accuracy'].shown(progress.accuracy)}")
        figures += [speed(progress.images_per_second), f"{left(progress, self._plan)} left"]
        self._line("  ".join(figures))

    def epoch(self, record: RunEpoch, *, best: bool) -> None:
        """A line with the figures of the epoch."""
        figures = [f"epoch {record.epoch}/{self._plan.epochs}"]
        shown = figures_of(record, self._plan.monitor)
        figures += [f"{name} {text}" for name, text in shown.items()]
        if best:
            figures.append("best")
        self._line("  ".join(figures))

    def close(self) -> None:
        """Nothing."""

    def _line(self, text: str) -> None:
        print(text, file=self._out, flush=True)
        self._said = time.monotonic()


class Terminal:
    """A row an epoch, and below them a bar that is alive."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        self._plan = RunPlan(1, 1, 1)
        self._headed = False
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._console.print(text, markup=False)

    def working(self, text: str) -> None:
        """A spinner."""
        from rich.spinner import Spinner

        self._live.start()
        self._live.update(Spinner("dots", f"{text} …"), refresh=True)

    def begin(self, plan: RunPlan, step: int) -> None:
        """The bar, at its place."""
        self._plan = plan
        self._live.start()
        self._show(step, [])

    def progress(self, progress: Progress) -> None:
        """The bar moves."""
        figures = [f"loss {progress.loss:.4f}"]
        if progress.accuracy is not None:
            figures.append(f"accuracy {METRICS['accuracy'].shown(progress.accuracy)}")
        figures += [speed(progress.images_per_second), f"{left(progress, self._plan)} left"]
        self._show(progress.step, figures)

    def epoch(self, record: RunEpoch, *, best: bool) -> None:
        """A row; above the first one their names."""
        from rich.text import Text

        figures = {"epoch": f"{record.epoch}", **figures_of(record, self._plan.monitor)}
        figures = _fitting(figures, self._console.width)
        if not self._headed:
            self._headed = True
            self._console.print(
                Text("  ".join(name.rjust(_width(name)) for name in figures), "bold"),
                soft_wrap=True,
            )
        row = "  ".join(text.rjust(_width(name)) for name, text in figures.items())
        self._console.print(Text.assemble(row, (_BEST if best else "", "green")), soft_wrap=True)

    def close(self) -> None:
        """The bar goes."""
        self._live.stop()

    def _show(self, step: int, figures: list[str]) -> None:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        epoch, within = place(step, self._plan)
        where = Table.grid(padding=(0, 2))
        where.add_row(
            Text(f"epoch {epoch}/{self._plan.epochs}", "bold"),
            ProgressBar(total=self._plan.steps_per_epoch, completed=within, width=24),
            Text(f"step {within}/{self._plan.steps_per_epoch}"),
        )
        self._live.update(Group(where, Text("  ".join(figures), "dim")))


def _fitting(figures: Mapping[str, str], width: int) -> dict[str, str]:
    """The figures of a row that a terminal has room for, beside the mark of the best epoch."""
    shown = dict(figures)
    for name in _DISPENSABLE:
        if sum(_width(each) + 2 for each in shown) - 2 + len(_BEST) > width:
            shown.pop(name, None)
    return shown


def _width(name: str) -> int:
    return max(len(name), 8 if name not in ("epoch",) else 5)
