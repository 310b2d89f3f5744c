"""The report of a search: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cnnkit.pages import page as pages
from cnnkit.pages.table import ColumnHead, PageTable, TableCell
from cnnkit.selection.search.results import Results, TrialLook, command
from cnnkit.selection.search.row import Row
from cnnkit.selection.search.space import shown
from cnnkit.selection.view import charts
from cnnkit.selection.view.values import value_of

_MOST_ROWS: Final = 500


def page(results: Results) -> str:
    """The page of what a study has found."""
    objectives, best = results.settings.objectives, results.best
    drawn: dict[str, Any] = {}
    if best is not None:
        drawn = {
            "importance": _importance(results),
            "history": charts.history(results),
            "parallel": charts.parallel_coordinates(results),
            "curves": charts.learning_curves(results),
            "fronts": [charts.pareto(results, objectives[0], each) for each in objectives[1:]],
            "front": trials_table(results, results.front, "Pareto front"),
        }
    more = len(results.rows) - _MOST_ROWS
    return pages.write(
        "search",
        title=f"Search: {results.name}",
        flow=counted(results),
        looks=[(look_text(look), look.number > 1) for look in results.looks],
        best=None if best is None else best_of(best, results.settings.folds),
        trials=trials_table(results, results.rows, "Trials"),
        more=f"{more:,}" if more > 0 else "",
        **drawn,
    )


def counted(results: Results) -> str:
    """How many trials there are, and what became of them."""
    words = [
        f"{count} {state}"
        for state in ("complete", "pruned", "failed", "rejected", "interrupted", "running")
        if (count := results.count(state))
    ]
    method = results.settings.method
    return f"{results.data}, {method}: {', '.join(words) or 'no trials yet'}."


def best_of(best: Row, folds: int | None) -> Mapping[str, str]:
    """The best trial in words: its title, its figures, and what trains it by hand."""
    figures = ", ".join(f"{name} {value_of(name, value)}" for name, value in best.values.items())
    judged = f"The mean over {folds} folds" if folds else "On the validation split"
    return {
        "title": f"The best: trial {best.number}",
        "told": f"{judged}: {figures}, at epoch {best.best_epoch}. "
        "These figures chose it, so they flatter it; the test split alone does not.",
        "command": command(best),
    }


def _importance(results: Results) -> Mapping[str, Any] | None:
    """How much of the differences between trials each path explains."""
    if not results.importance:
        return None
    most = max(results.importance.values()) or 1
    ordered = sorted(results.importance.items(), key=lambda item: -item[1])
    return {
        "told": f"The part of the differences in {results.settings.objectives[0]} that each choice "
        "explains (fANOVA over the complete trials).",
        "bars": [
            (path, round(100 * share / most, 1), f"{100 * share:.0f} %") for path, share in ordered
        ],
    }


def look_text(look: TrialLook) -> str:
    """A look at the test split in words; of a second one they say what it is worth."""
    figures = ", ".join(f"{name} {value_of(name, value)}" for name, value in look.figures.items())
    trial = f" of trial {look.trial}" if look.trial is not None else ""
    seen = figures or "begun, and not yet at its end"
    if look.number == 1:
        return f"Test split, read once, at the end{trial}: {seen} ({look.when})."
    return (
        f"Test split, look number {look.number}{trial}: {seen} ({look.when}). It was chosen with "
        "knowledge of the looks before, so this is no longer the accuracy on unseen data."
    )


def trials_table(results: Results, rows: Sequence[Row], caption: str) -> PageTable:
    """A row for each trial, the first hundreds of them."""
    objectives, best = results.settings.objectives, results.best
    chosen = [ColumnHead(path.rpartition(".")[2], path) for path in results.paths]
    shown_rows = rows[:_MOST_ROWS]
    return PageTable(
        ["trial", "state", *objectives, "epoch", *chosen, "seconds"],
        [_cells(row, objectives, results.paths) for row in shown_rows],
        kinds=[
            "best" if best is not None and row.number == best.number else row.state
            for row in shown_rows
        ],
        sortable=True,
        words=2,
        caption=caption,
    )


def _cells(row: Row, objectives: Sequence[str], paths: Sequence[str]) -> list[TableCell | str]:
    return [
        str(row.number),
        row.state if row.reason is None else f"{row.state}: {row.reason}",
        *(value_of(name, row.values[name]) if name in row.values else "" for name in objectives),
        _epochs(row),
        *(shown(row.chosen[path]) if path in row.chosen else "" for path in paths),
        "" if row.seconds is None else f"{row.seconds:.1f}",
    ]


def _epochs(row: Row) -> str:
    """The best epoch, of how many."""
    if not row.history:
        return ""
    return f"{row.best_epoch} of {len(row.history)}"
