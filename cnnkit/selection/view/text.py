"""Cross-validations, searches and comparisons as lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from cnnkit.folders import StrPath
from cnnkit.presentation.numbers import percent
from cnnkit.selection.comparison.pairs import FORMAT as COMPARISON_FORMAT
from cnnkit.selection.comparison.pairs import Entry, PairedComparison, compare, summary
from cnnkit.selection.objective import objective
from cnnkit.selection.search.protocol import REPORT
from cnnkit.selection.search.results import Results, command
from cnnkit.selection.search.row import Row
from cnnkit.selection.search.space import shown
from cnnkit.selection.statistics import mean_and_deviation
from cnnkit.selection.view.page import counted, look_text
from cnnkit.selection.view.paired import corrected, paired_page
from cnnkit.selection.view.values import spread, value_of
from cnnkit.tasks.metric import ordered

if TYPE_CHECKING:
    from cnnkit.selection.folds.directory import CrossValidationResult
    from cnnkit.selection.outer_fold import Nested

MOST_SHOWN: Final = 10
"""The trials of a search that are shown where there is not room for all."""


def fold_lines(found: CrossValidationResult, path: StrPath) -> Iterator[str]:
    """The mean and the deviation over folds, the confusion matrix, and what they are worth."""
    yield ""
    yield f"{found.name} on {found.data}: {found.examples:,} examples in {len(found.folds)} folds"
    width = max(map(len, found.metrics))
    for metric in found.metrics:
        mean, deviation = mean_and_deviation(found.figures(metric))
        yield f"  {metric:<{width}}  {spread(metric, mean, deviation)}"
    if found.confusion.ndim == 2:
        yield ""
        what = "confusion of pixels" if found.of_pixels else "confusion"
        yield f"  {what}, each example predicted by a network that never saw it"
        yield from confusion_lines(found.confusion.tolist(), found.names)
    if found.sealed:
        yield ""
        yield f"  the test split of {found.sealed:,} examples stays sealed"
    for note in notes(found):
        yield f"  {note}"
    yield f"  kept in {path}"


def notes(found: CrossValidationResult) -> Iterator[str]:
    """What must be known of folds that went wrong, and of labels dealt out at random."""
    for fold in found.folds:
        if fold.failed is not None:
            yield (
                f"fold {fold.number + 1} lost its numbers at step {fold.failed + 1:,}: "
                "lower the learning rate, or clip the gradient"
            )
    if (chance := found.chance) is not None and found.random_labels:
        inside = "lies within" if found.passed else "lies outside"
        leak = "something of the held-out examples leaks into the training"
        yield (
            f"labels dealt out at random: accuracy {percent(found.accuracy)} {inside} what "
            f"chance gives, {percent(chance.low)} to {percent(chance.high)}"
            + ("" if found.passed else f": {leak}")
        )


def confusion_lines(counts: Sequence[Sequence[int]], names: Sequence[str]) -> Iterator[str]:
    """A confusion matrix, true classes down and predicted ones across; dots for zeros."""
    width = max(len(str(cell)) for row in counts for cell in row) + 1
    columns = [name[: max(width - 1, 3)] for name in names]
    wide = max(width, *(len(column) + 1 for column in columns))
    label = max(len(name) for name in names)
    head = "".join(f"{column:>{wide}}" for column in columns)
    yield f"  {'':<{label}}{head}"
    for name, row in zip(names, counts, strict=True):
        cells = "".join(f"{cell or '·':>{wide}}" for cell in row)
        yield f"  {name:<{label}}{cells}"


def search_lines(found: Results, path: StrPath) -> Iterator[str]:
    """The best trials, the Pareto front, and what the test split says."""
    yield ""
    yield f"{found.name} on {counted(found)}"
    objectives = found.settings.objectives
    if found.settings.folds:
        yield f"  figures are means over {found.settings.folds} folds"
    if len(objectives) > 1:
        yield f"  Pareto front of {' and '.join(objectives)}:"
    rows = found.front if len(objectives) > 1 else ranked(found)[:MOST_SHOWN]
    yield from _trial_lines(found, rows)
    if found.best is not None:
        yield ""
        yield f"  the best by hand: {command(found.best)}"
    for look in found.looks:
        yield f"  {look_text(look)}"
    yield f"  kept in {path}: {REPORT} shows it all"


def nested_lines(found: Nested, path: StrPath) -> Iterator[str]:
    """What the search came to in each outer fold, and on average."""
    yield ""
    yield f"{found.name} on {found.data}: the search judged over {found.count} outer folds"
    for fold in found.folds:
        figures = ", ".join(
            f"{name} {value_of(name, fold.metrics[name])}" for name in ordered(fold.metrics)
        )
        chosen = " ".join(f"{key.rpartition('.')[2]}={shown(value)}"
                          for key, value in fold.choices.items())  # fmt: skip
        yield f"  fold {fold.fold + 1:>2}: {figures}  (trial {fold.trial}, {chosen})"
    if len(found.folds) < found.count:
        yield "  other processes are judging the rest"
        return
    metrics = ordered(found.folds[0].metrics)
    width = max(map(len, metrics))
    for metric in metrics:
        kept = [fold.metrics[metric] for fold in found.folds]
        figures_ = [float("nan") if value is None else float(value) for value in kept]
        yield f"  {metric:<{width}}  {spread(metric, *mean_and_deviation(figures_))}"
    if found.sealed:
        yield f"  the test split of {found.sealed:,} examples stays sealed"
    yield f"  kept in {path}"


def ranked(found: Results) -> list[Row]:
    """The complete trials, the best by the first objective first."""
    first = objective(found.settings.objectives[0])
    return sorted(found.complete, key=lambda row: -first.rank(row.values[first.name]))


def _trial_lines(found: Results, rows: Sequence[Row]) -> Iterator[str]:
    objectives = found.settings.objectives
    table = [["trial", *objectives, "epoch", *(path.rpartition(".")[2] for path in found.paths)]]
    for row in rows:
        values = [value_of(name, row.values[name]) for name in objectives]
        chosen = [shown(row.chosen[path]) if path in row.chosen else "" for path in found.paths]
        table.append([str(row.number), *values, str(row.best_epoch), *chosen])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        yield "  " + "  ".join(
            f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)
        )


def comparison_text(entries: Sequence[Entry], metric: str, format_: str) -> str:
    """A comparison: in plain words, as JSON, or as a page."""
    comparisons = compare(entries, metric)
    if format_ == "html":
        return paired_page(entries, comparisons, metric)
    if format_ == "json":
        found = {
            "format": COMPARISON_FORMAT,
            "metric": metric,
            "runs": [
                {"name": entry.name, "pairing": entry.pairing, "paths": list(entry.paths),
                 "figures": {str(key): value for key, value in sorted(entry.figures.items())}}
                for entry in entries
            ],
            "comparisons": [each.to_dict() for each in comparisons],
        }  # fmt: skip
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    return "".join(f"{line}\n" for line in _comparison_lines(entries, comparisons, metric))


def _comparison_lines(
    entries: Sequence[Entry], comparisons: Sequence[PairedComparison], metric: str
) -> Iterator[str]:
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        mean, deviation = summary(entry)
        count = len(entry.figures)
        of = entry.pairing if count > 1 else entry.pairing[:-1]
        yield f"{entry.name:<{width}}  {metric} {spread(metric, mean, deviation)} over {count} {of}"
    for comparison in comparisons:
        yield ""
        yield from comparison.sentences()
    if len(comparisons) > 1:
        yield ""
        yield corrected(len(comparisons))
