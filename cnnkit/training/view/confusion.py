"""Which classes are taken for which: the matrix as lines of text, and the counts of each class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shutil import get_terminal_size
from typing import Any, NamedTuple

import numpy as np

from cnnkit.presentation.numbers import beginning, cells

_MOST_CLASSES = 10
_OFTENEST = 5
_NAME = 12
_GAP = 2
_WIDTH = 100


class ClassCounts(NamedTuple):
    """What a network makes of one class: its examples, and those of the others."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def specificity(self) -> float | None:
        """The part of the others that are not taken for it; None where there are none."""
        others = self.true_negatives + self.false_positives
        return self.true_negatives / others if others else None


def class_counts(confusion: Sequence[Any]) -> list[ClassCounts]:
    """The counts of each class from a confusion matrix.

    Args:
        confusion: ``[K, K]``, row the true class and column the predicted one; of labels
            ``[K, 2, 2]``.
    """
    counts = np.asarray(confusion, np.int64)
    if counts.ndim == 3:
        return [ClassCounts(*map(int, (n[1, 1], n[0, 1], n[1, 0], n[0, 0]))) for n in counts]
    right, true, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    rest = counts.sum() - true - said + right
    rows = zip(right, said - right, true - right, rest, strict=True)
    return [ClassCounts(*map(int, row)) for row in rows]


def confusion_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """The matrix of few classes; of many the confusions that are the most frequent.

    Args:
        figures: What was measured on a split, with ``confusion`` and ``classes``; of labels, which
            have no matrix, and of pixels there are no lines.
    """
    counts = np.asarray(figures.get("confusion", ()), np.int64)
    if counts.ndim != 2 or "pixels" in figures:
        return
    names = [row["name"] for row in figures["classes"]]
    yield ""
    width = get_terminal_size((_WIDTH, 24)).columns
    label = max(4, *(min(cells(name), _NAME) for name in names))
    digits = len(f"{counts.max():,}")
    room = (width - label) // len(names) - _GAP
    if len(names) > _MOST_CLASSES or digits > room:
        yield from _oftenest(names, counts)
        return
    column = max(digits, *(min(cells(name), room) for name in names))
    across = f"{'':{label}}  predicted"
    yield across.rstrip()
    yield _row("true", [_right(name, column) for name in names], label)
    for name, row in zip(names, counts, strict=True):
        yield _row(beginning(name, _NAME), [f"{count:{column},}" for count in row], label)


def _oftenest(names: Sequence[str], counts: Any) -> Iterator[str]:
    """The classes that are taken for others, those that are so most often first."""
    wrong = counts - np.diag(counts.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:_OFTENEST]
    found = [divmod(int(place), len(names)) for place in order if wrong.flat[place]]
    if not found:
        yield "no class is taken for another"
        return
    yield "most often taken for another class:"
    for true, said in found:
        yield f"  {names[true]} for {names[said]}: {wrong[true, said]:,} of {counts[true].sum():,}"


def _row(name: str, columns: Sequence[str], label: int) -> str:
    blank = " " * (label - cells(name))
    return f"{name}{blank}{' ' * _GAP}{(' ' * _GAP).join(columns)}".rstrip()


def _right(name: str, width: int) -> str:
    short = beginning(name, width)
    return " " * (width - cells(short)) + short
