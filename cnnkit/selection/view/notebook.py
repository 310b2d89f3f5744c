"""Cross-validations and searches as a notebook shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.pages.confusion import ConfusionMatrix
from cnnkit.pages.notebook import CellOutput
from cnnkit.pages.picture import uri_of
from cnnkit.pages.table import PageTable
from cnnkit.selection.search.results import Results
from cnnkit.selection.view.averages import FoldFigures, cross_validation, nested_search
from cnnkit.selection.view.page import best_of, counted, look_text, trials_table
from cnnkit.selection.view.pictures import pareto, png
from cnnkit.selection.view.text import MOST_SHOWN, notes, ranked

if TYPE_CHECKING:
    from cnnkit.selection.folds.directory import CrossValidationResult
    from cnnkit.selection.outer_fold import Nested


def cross_validation_html(found: CrossValidationResult) -> str:
    """The means over the folds, each fold, the confusion of all, and what they are worth."""
    return _averaged(cross_validation(found), *notes(found))


def nested_html(found: Nested) -> str:
    """The means over the outer folds, and each of them."""
    left = ["Other processes are judging the rest."] if len(found.folds) < found.count else []
    return _averaged(nested_search(found), *left)


def search_html(found: Results) -> str:
    """The best trials, the Pareto front where there is one, and what the test split says."""
    several = len(found.settings.objectives) > 1
    rows = found.front if several else ranked(found)[:MOST_SHOWN]
    trials = trials_table(found, rows, "Trials")
    return CellOutput(
        title=f"Search: {found.name}",
        flow=counted(found),
        told=list(_told(found)),
        tables=[(trials, ["the Pareto front"] if several else [])] if rows else (),
        pictures=list(_pictures(found)),
    ).html()


def _averaged(found: FoldFigures, *said: str) -> str:
    told = [*said]
    if found.sealed:
        told.append(f"The test split of {found.sealed} examples was not looked at.")
    tables = list(_tables(found))
    return CellOutput(title=found.title, flow=found.flow, told=told, tables=tables).html()


def _tables(found: FoldFigures) -> Iterator[tuple[PageTable, Sequence[str]]]:
    means = [(name, mean) for name, mean, _ in found.means]
    yield PageTable(["metric", "mean ± deviation"], means), ()
    if found.folds is not None:
        yield found.folds, ()
    if found.matrix is not None:
        yield (
            _confusion(found.matrix),
            ("confusion, each example predicted by a network that never saw it",),
        )


def _confusion(matrix: ConfusionMatrix) -> PageTable:
    """A row for each true class, a column for each predicted one; of many the worst confusions."""
    if not matrix.numbered:
        return PageTable([matrix.summary], [(each.about,) for each in matrix.confusions])
    rows = [
        (name, *(f"{count:,}" for count in counts))
        for name, counts in zip(matrix.classes, matrix.counts, strict=True)
    ]
    return PageTable(["true, called", *matrix.classes], rows)


def _told(found: Results) -> Iterator[str]:
    """The best trial and the looks at the test split."""
    if found.best is None:
        yield "No trial has been trained to its end yet."
        return
    best = best_of(found.best, found.settings.folds)
    yield f"{best['title']}. {best['told']}"
    yield f"The same by hand: `{best['command']}`"
    yield from map(look_text, found.looks)


def _pictures(found: Results) -> Iterator[tuple[str, str]]:
    """The first objective against each of the others."""
    first, *others = found.settings.objectives
    for other in others if found.complete else ():
        yield f"{first} against {other}", uri_of(png(pareto(found, first, other)))
