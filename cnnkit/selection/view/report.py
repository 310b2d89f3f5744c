"""The page of a cross-validation or a search, made anew from the files in its directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.pages import page as pages
from cnnkit.pages.confusion import ConfusionMatrix
from cnnkit.pages.table import PageTable
from cnnkit.selection.folds.fold import CrossValidation
from cnnkit.selection.outer_fold import Nested
from cnnkit.selection.search.results import Results
from cnnkit.selection.statistics import mean_and_deviation
from cnnkit.selection.view.page import page as search_page
from cnnkit.selection.view.values import spread, value_of
from cnnkit.tasks.metric import ordered
from cnnkit.training.store.directory import REPORT, SUMMARY, RunDirectory
from cnnkit.training.store.files import write_atomic
from cnnkit.training.store.kinds import SPEC
from cnnkit.training.store.record import parse

_RESULTS: Final = "results.json"
_NESTED: Final = "nested.json"
T = TypeVar("T")


def write_page(run: RunDirectory, output: StrPath | None = None) -> Path:
    """Writes the page of its kind, by default to ``report.html`` in the directory; returns where.

    Raises:
        UsageError: Nothing has come of it yet.
        TrainingError: What it wrote is damaged.
    """
    path = Path(output or run.path / REPORT)
    write_atomic(path, page(run))
    return path


def page(run: RunDirectory) -> str:
    """The page of a cross-validation, a nested one, or a search."""
    if run.kind == "cross-validation":
        folds = run.read_record(SUMMARY, CrossValidation.from_json)
        return _folds(run, _there(run, folds, SUMMARY))
    if (nested := run.read_record(_NESTED, partial(parse, Nested))) is not None:
        return _nested(run, nested)
    return search_page(_there(run, run.read_record(_RESULTS, Results.from_json), _RESULTS))


def _there(run: RunDirectory, found: T | None, name: str) -> T:
    if found is None:
        raise UsageError(
            f"{run.path} is a {run.kind} without {name}: nothing has come of it yet; the command "
            f"that began it goes on with it"
        )
    return found


def _folds(run: RunDirectory, found: CrossValidation) -> str:
    """The means over the folds, each fold, and the confusion of all predictions."""
    lead = f"{found.data} · {found.examples:,} examples in {len(found.folds)} folds"
    if found.random_labels:
        lead += " · labels dealt out at random"
    head = ("fold", "trained on", "judged on")
    rows = [
        (fold.number, (fold.trained, fold.figures.examples), fold.figures.metrics)
        for fold in found.folds
    ]
    counts = found.confusion
    matrix = ConfusionMatrix(counts.tolist(), found.names) if counts.ndim == 2 else None
    title = f"Cross-validation: {found.name}"
    return _page(run, title, lead, found.sealed, head, rows, matrix)


def _nested(run: RunDirectory, found: Nested) -> str:
    """The means over the outer folds, and what the search chose in each."""
    lead = f"{found.data} · the search judged over {found.count} outer folds"
    head = ("fold", "trial", "epochs", "judged on")
    rows = [
        (fold.fold, (fold.trial, fold.epochs, fold.examples), fold.metrics) for fold in found.folds
    ]
    return _page(run, f"Nested search: {found.name}", lead, found.sealed, head, rows)


Row = tuple[int, tuple[int, ...], Mapping[str, float | None]]


def _page(
    run: RunDirectory,
    title: str,
    lead: str,
    sealed: int,
    head: Sequence[str],
    rows: Sequence[Row],
    confusion: ConfusionMatrix | None = None,
) -> str:
    return pages.write(
        "folds",
        title=title,
        flow=lead,
        means=list(_means(rows)),
        sealed=f"{sealed:,}" if sealed else "",
        folds=_table(head, rows),
        matrix=confusion,
        spec=(run.path / SPEC).read_text("utf-8"),
    )


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
