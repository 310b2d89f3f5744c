"""What a user sees of folds and trials: a live table on a terminal, a plain line each in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from cnnkit.selection.folds.fold import Fold
from cnnkit.selection.objective import objective, score_of
from cnnkit.selection.search.space import Chosen, Space, shown
from cnnkit.selection.view.values import value_of
from cnnkit.spec.model.search import SearchSettings
from cnnkit.spec.model.spec import Spec
from cnnkit.tasks.metric import ordered
from cnnkit.training.compute.figures import Figures
from cnnkit.training.store.epoch import Epoch

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from rich.live import Live

    from cnnkit.selection.search.study import Study


class FoldDisplay:
    """The folds of a cross-validation.

    Args:
        total: How many there are.
        done: Those that an earlier process has judged.
        quiet: Whether nothing is shown.
        stream: Where to; by default standard output.
    """

    def __init__(
        self, total: int, done: Sequence[Fold], *, quiet: bool = False, stream: TextIO | None = None
    ) -> None:
        self.out = stream or sys.stdout
        self.quiet = quiet
        self.total = total
        self.folds = {fold.number: fold for fold in done}
        self.running: dict[int, str] = {}
        self.live: Live | None = None

    def __enter__(self) -> FoldDisplay:
        if self.out.isatty() and not self.quiet:
            from rich.console import Console
            from rich.live import Live

            self.live = Live(console=Console(file=self.out, highlight=False), auto_refresh=False)
            self.live.start()
        elif not self.quiet:
            for number in sorted(self.folds):
                self._print(self.folds[number], " (kept)")
        self._show()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.live is not None:
            self._show()
            self.live.stop()

    def begins(self, numbers: Sequence[int], epochs: int) -> None:
        """Folds are trained side by side."""
        self.epochs = epochs
        self.running = dict.fromkeys(numbers, "compiling")
        self._show()

    def epoch(self, numbers: Sequence[int], epoch: int, figures: Sequence[Figures]) -> None:
        """An epoch of them is over."""
        self.running = {
            number: f"epoch {epoch}/{self.epochs}, loss {_loss(figure.metrics)}"
            for number, figure in zip(numbers, figures, strict=True)
        }
        self._show()

    def ends(self, fold: Fold) -> None:
        """A fold is judged."""
        self.folds[fold.number] = fold
        self.running.pop(fold.number, None)
        if self.live is None and not self.quiet:
            self._print(fold, "")
        self._show()

    def _print(self, fold: Fold, note: str) -> None:
        figures = ", ".join(
            f"{name} {value_of(name, fold.figures.metrics[name])}"
            for name in ordered(fold.figures.metrics)
        )
        failed = f", failed at step {fold.failed + 1}" if fold.failed is not None else ""
        print(
            f"fold {fold.number + 1:>2}/{self.total}: {figures} on {fold.figures.examples} "
            f"examples, {fold.seconds:.1f} s{failed}{note}",
            file=self.out,
            flush=True,
        )

    def _show(self) -> None:
        if self.live is None:
            return
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        names = next((ordered(fold.figures.metrics) for fold in self.folds.values()), ("loss",))
        for column in ("fold", "held out", *names, "seconds"):
            table.add_column(column, justify="right")
        table.add_column("")
        for number in range(self.total):
            fold = self.folds.get(number)
            if fold is not None:
                cells = [value_of(name, fold.figures.metrics[name]) for name in names]
                table.add_row(
                    str(number + 1), str(fold.figures.examples), *cells, f"{fold.seconds:.1f}", ""
                )
            elif number in self.running:
                table.add_row(str(number + 1), "", *[""] * len(names), "", self.running[number])
        self.live.update(table, refresh=True)


class TrialDisplay:
    """The trials of a search.

    Args:
        study: The study, of which the best is shown.
        space: What trials choose from.
        settings: How the search goes about it.
        slots: How many trials were asked for.
        quiet: Whether nothing is shown.
        stream: Where to; by default standard output.
    """

    def __init__(
        self,
        study: Study,
        space: Space,
        settings: SearchSettings,
        slots: int,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
    ) -> None:
        from rich.console import Console

        self.study, self.space, self.settings = study, space, settings
        self.slots = slots
        self.quiet = quiet
        self.out = stream or sys.stdout
        self.console = Console(file=self.out, highlight=False, soft_wrap=True)
        self.status = self.console.status("") if self.out.isatty() and not quiet else None
        self.waiting = 0.0

    def __enter__(self) -> TrialDisplay:
        if self.status is not None:
            self.status.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.status is not None:
            self.status.stop()

    def begins(self, number: int, chosen: Chosen, spec: Spec) -> None:
        """A trial is trained."""
        train = spec.train
        self.epochs = train.epochs if train is not None else 0
        self.chosen = _chosen(chosen)
        self._status(f"trial {number}: {self.chosen}: compiling")

    def epoch(self, number: int, record: Epoch) -> None:
        """An epoch of it is over."""
        name = score_of(self.settings.objectives)
        value = value_of(name, (record.validation or {})[name])
        self._status(
            f"trial {number}: {self.chosen}: epoch {record.epoch}/{self.epochs}, {name} {value}"
        )

    def ends(self, trial: FrozenTrial) -> None:
        """A trial is over, or was rejected."""
        self._status("drawing the next trial")
        if self.quiet:
            return
        from cnnkit.selection.search.row import row_of

        row = row_of(trial, self.space, self.settings)
        what = ", ".join(f"{name} {value_of(name, value)}" for name, value in row.values.items())
        if row.state == "complete":
            best = self.best() == row.number
            what += f" at epoch {row.best_epoch}" + ("  ← best" if best else "")
        else:
            what = row.state + (f": {row.reason}" if row.reason else "")
            if row.state == "pruned":
                what += f" after epoch {len(row.history)}"
        seconds = "" if row.seconds is None else f", {row.seconds:.1f} s"
        self.console.print(
            f"trial {row.number:>3}  {_chosen(row.chosen)}  {what}{seconds}", markup=False
        )

    def waits(self, running: int) -> None:
        """All that is left runs in other processes."""
        text = f"waiting for {running} {'trial' if running == 1 else 'trials'} of other processes"
        self._status(text)
        if self.status is None and not self.quiet and time.monotonic() - self.waiting > 60:
            self.waiting = time.monotonic()
            self.console.print(text)

    def best(self) -> int | None:
        """The number of the best trial so far, by the first objective."""
        from cnnkit.selection.search.study import finished_trials

        complete = finished_trials(self.study.trials())
        first = objective(self.settings.objectives[0])
        best = max(complete, key=lambda each: first.rank(each.values[0]), default=None)
        return None if best is None else best.number

    def note(self, text: str) -> None:
        """A sentence that stays."""
        if not self.quiet:
            self.console.print(text, markup=False)

    def _status(self, text: str) -> None:
        if self.status is not None:
            self.status.update(text.replace("[", r"\["))


def _loss(metrics: Mapping[str, float | None]) -> str:
    return value_of("loss", metrics.get("loss"))


def _chosen(chosen: Chosen) -> str:
    return " ".join(f"{path.rpartition('.')[2]}={shown(value)}" for path, value in chosen.items())
