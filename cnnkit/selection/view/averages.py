"""What was judged fold by fold, as plain data: what a page and a notebook show of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cnnkit.pages.confusion import ConfusionMatrix
from cnnkit.pages.table import PageTable
from cnnkit.selection.folds.fold import CrossValidation
from cnnkit.selection.outer_fold import Nested
from cnnkit.selection.statistics import mean_and_deviation
from cnnkit.selection.view.values import spread, value_of
from cnnkit.tasks.metric import ordered

Row = tuple[int, tuple[int, ...], Mapping[str, float | None]]
"""The number of a fold from 0, counts that belong to it, and its metrics."""


@dataclass(frozen=True)
class FoldFigures:
    """A cross-validation, or a nested search.

    Attributes:
        title: What it is, and of which network.
        flow: The data, and how many folds.
        means: For each metric the mean and the deviation over the folds, and a note.
        sealed: How many examples of a test split were not looked at; empty where there are none.
        folds: A row for each fold; None where there are none yet.
        matrix: The confusion of all predictions; None where there are no classes.
    """

    title: str
    flow: str
    means: Sequence[tuple[str, str, str]]
    sealed: str
    folds: PageTable | None
    matrix: ConfusionMatrix | None = None


def cross_validation(found: CrossValidation) -> FoldFigures:
    """The means over the folds, each fold, and the confusion of all predictions."""
    flow = f"{found.data} · {found.examples:,} examples in {len(found.folds)} folds"
    if found.random_labels:
        flow += " · labels dealt out at random"
    rows = [
        (fold.number, (fold.trained, fold.figures.examples), fold.figures.metrics)
        for fold in found.folds
    ]
    counts = found.confusion
    return FoldFigures(
        title=f"Cross-validation: {found.name}",
        flow=flow,
        means=list(_means(rows)),
        sealed=_sealed(found.sealed),
        folds=_table(("fold", "trained on", "judged on"), rows),
        matrix=ConfusionMatrix(counts.tolist(), found.names) if counts.ndim == 2 else None,
    )


def nested_search(found: Nested) -> FoldFigures:
    """The means over the outer folds, and what the search chose in each."""
    rows = [
        (fold.fold, (fold.trial, fold.epochs, fold.examples), fold.metrics) for fold in found.folds
    ]
    return FoldFigures(
        title=f"Nested search: {found.name}",
        flow=f"{found.data} · the search judged over {found.count} outer folds",
        means=list(_means(rows)),
        sealed=_sealed(found.sealed),
        folds=_table(("fold", "trial", "epochs", "judged on"), rows),
    )


def _sealed(examples: int) -> str:
    return f"{examples:,}" if examples else ""


def _means(rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    """For each metric the mean and the deviation over the folds."""
    for metric in ordered(rows[0][2]) if rows else ():
        figures = [value for row in rows if (value := row[2].get(metric)) is not None]
        if figures:
            yield metric, spread(metric, *mean_and_deviation(figures)), ""


def _table(head: Sequence[str], rows: Sequence[Row]) -> PageTable | None:
    if not rows:
        return None
    metrics = ordered(rows[0][2])
    cells = [
        [
            str(number + 1),
            *(f"{count:,}" for count in counts),
            *(value_of(metric, figures.get(metric)) for metric in metrics),
        ]
        for number, counts, figures in rows
    ]
    return PageTable([*head, *metrics], cells, sortable=True, caption="Folds")
