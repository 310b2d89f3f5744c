"""Cross-validations, searches and comparisons as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.selection.display import shown_metric
from cnnkit.selection.statistics import mean_and_deviation

if TYPE_CHECKING:
    from cnnkit.selection.folding import Found


def fold_lines(found: Found, path: Path) -> Iterator[str]:
    """The mean and the deviation over folds, the confusion matrix, and what they are worth."""
    count = sum(fold.figures.examples for fold in found.folds)
    yield ""
    yield f"{found.name} on {found.data}: {len(found.folds)} folds of {count:,} examples"
    for metric in found.metrics:
        mean, deviation = mean_and_deviation(found.figures(metric))
        yield f"  {metric:<10} {spread(metric, mean, deviation)}"
    if found.confusion.ndim == 2:
        yield ""
        yield "  confusion, each example predicted by a network that never saw it"
        yield from confusion_lines(found.confusion.tolist(), found.classes)
    if found.sealed:
        yield ""
        yield f"  the test split of {found.sealed:,} examples stays sealed"
    for fold in found.folds:
        if fold.failed is not None:
            yield (
                f"  fold {fold.number + 1} lost its numbers at step {fold.failed + 1:,}: "
                "lower the learning rate, or clip the gradient"
            )
    if found.random_labels and found.chance is not None:
        yield from _leak_lines(found)
    yield f"  kept in {path}"


def _leak_lines(found: Found) -> Iterator[str]:
    chance = found.chance
    assert chance is not None  # noqa: S101 - the caller has looked
    inside = "lies within" if found.passed else "lies outside"
    yield (
        f"  labels dealt out at random: accuracy {100 * found.accuracy:.2f} % {inside} what "
        f"chance gives, {100 * chance.low:.2f} % to {100 * chance.high:.2f} %"
        + ("" if found.passed else ": something of the held-out examples leaks into the training")
    )


def spread(metric: str, mean: float, deviation: float) -> str:
    """A mean with its standard deviation.

    >>> spread("accuracy", 0.9812, 0.004)
    '98.12 % ± 0.40'
    """
    if metric in ("accuracy", "macro_f1", "top5"):
        return f"{shown_metric(metric, mean)} ± {100 * deviation:.2f}"
    return f"{shown_metric(metric, mean)} ± {deviation:.4f}"


def confusion_lines(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Iterator[str]:
    """A confusion matrix, true classes down and predicted ones across; dots for zeros."""
    names = [classes[index] if classes else str(index) for index in range(len(counts))]
    width = max(len(str(cell)) for row in counts for cell in row) + 1
    columns = [name[: max(width - 1, 3)] for name in names]
    wide = max(width, *(len(column) + 1 for column in columns))
    label = max(len(name) for name in names)
    head = "".join(f"{column:>{wide}}" for column in columns)
    yield f"  {'':<{label}}{head}"
    for name, row in zip(names, counts, strict=True):
        cells = "".join(f"{cell or '·':>{wide}}" for cell in row)
        yield f"  {name:<{label}}{cells}"
