"""What a notebook shows of a run: its progress while it trains, and what it came to."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnkit.pages.notebook import CellOutput, ProgressBar
from cnnkit.pages.picture import uri_of
from cnnkit.pages.table import PageTable
from cnnkit.presentation.numbers import speed
from cnnkit.tasks.metric import METRICS
from cnnkit.training.store.directory import CONFUSION, CURVES
from cnnkit.training.view.progress import Progress, RunPlan, figures_of, left, place

if TYPE_CHECKING:
    from cnnkit.training.store.epoch import RunEpoch

_PAUSE = 0.25
"""Seconds between two pictures of the bar."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def shown(lines: Iterable[str], folder: Path | None = None) -> str:
    """Lines as HTML, and below them the curves and the confusion matrix of a folder."""
    files = [folder / name for name in (CURVES, CONFUSION)] if folder is not None else []
    pictures = [(file.stem, uri_of(file.read_bytes())) for file in files if file.is_file()]
    return CellOutput(before=list(lines), pictures=pictures).html()


class Notebook:
    """A table with a row an epoch, and above it a bar; drawn anew in its place.

    Nothing but IPython is needed: rich's bar would be drawn by ipywidgets.
    """

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._plan = RunPlan(1, 1, 1)
        self._before: list[str] = []
        self._after: list[str] = []
        self._bar: ProgressBar | None = None
        self._head: list[str] = []
        self._rows: list[list[str]] = []
        self._drawn = 0.0
        self._handle: Any = display(HTML(""), display_id=True)

    def note(self, text: str) -> None:
        """A line: above the table, or below it once there is one."""
        (self._after if self._rows else self._before).append(text)
        self._draw()

    def working(self, text: str) -> None:
        """In the place of the bar."""
        self._bar = ProgressBar(f"{text} …")
        self._draw()

    def begin(self, plan: RunPlan, step: int) -> None:
        """The bar, at its place."""
        self._plan = plan
        self._progress(step, [])

    def progress(self, progress: Progress) -> None:
        """The bar moves, a few times a second."""
        if time.monotonic() - self._drawn < _PAUSE:
            return
        figures = [f"loss {progress.loss:.4f}"]
        if progress.accuracy is not None:
            figures.append(f"accuracy {METRICS['accuracy'].shown(progress.accuracy)}")
        figures += [speed(progress.images_per_second), f"{left(progress, self._plan)} left"]
        self._progress(progress.step, figures)

    def epoch(self, record: RunEpoch, *, best: bool) -> None:
        """A row; above the first one their names."""
        figures = {"epoch": f"{record.epoch}", **figures_of(record, self._plan.monitor)}
        self._head = [*figures, ""]
        self._rows.append([*figures.values(), "● best" if best else ""])
        self._draw()

    def close(self) -> None:
        """The bar goes."""
        self._bar = None
        self._draw()

    def _progress(self, step: int, figures: list[str]) -> None:
        epoch, within = place(step, self._plan)
        steps = self._plan.steps_per_epoch
        told = ", ".join([f"epoch {epoch}/{self._plan.epochs}", f"step {within}/{steps}", *figures])
        self._bar = ProgressBar(told, within, steps)
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        table = PageTable(self._head, self._rows, words=0)
        output = CellOutput(
            before=self._before,
            progress=self._bar,
            tables=[(table, ())] if self._rows else (),
            after=self._after,
        )
        self._handle.update(self._html(output.html()))
