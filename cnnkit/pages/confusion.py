"""A confusion matrix as a page shows it: right answers in one hue, wrong ones in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Final, NamedTuple

from cnnkit.presentation.numbers import percent

_MOST: Final = 100
"""The classes of which all cells are shown; of more the most frequent confusions."""

_MOST_NUMBERED: Final = 20
_MOST_CONFUSIONS: Final = 20


class ConfusionCell(NamedTuple):
    """A cell of the matrix.

    Attributes:
        pair: The true class and the predicted one, as a word that the script knows it by.
        examples: How many are in it.
        strength: How strong its colour is, 0 to 1: the square root of its part of the row, so that
            few errors are seen as well.
        kind: ``right`` or ``wrong``; empty of a cell without examples.
        about: What it says in full.
    """

    pair: str
    examples: int
    strength: float
    kind: str
    about: str


@dataclass(frozen=True)
class ConfusionMatrix:
    """A row for each true class, a column for each predicted one.

    Attributes:
        counts: Integers, a row for each true class.
        classes: The names of the classes.
    """

    counts: Sequence[Sequence[int]]
    classes: Sequence[str]

    @property
    def whole(self) -> bool:
        """Whether all of its cells are shown."""
        return len(self.counts) <= _MOST

    @property
    def numbered(self) -> bool:
        """Whether there is room for its numbers."""
        return len(self.counts) <= _MOST_NUMBERED

    @property
    def summary(self) -> str:
        """How many answers are right."""
        total = sum(map(sum, self.counts))
        right = sum(row[place] for place, row in enumerate(self.counts))
        return f"{right:,} of {total:,} right, {percent(right / total)}" if total else "empty"

    @cached_property
    def rows(self) -> list[list[ConfusionCell]]:
        """The cells, row by row."""
        return [
            [self._cell(true, predicted) for predicted in range(len(self.counts))]
            for true in range(len(self.counts))
        ]

    @property
    def confusions(self) -> list[ConfusionCell]:
        """The most frequent confusions, the most frequent first."""
        wrong = (
            (count, true, predicted)
            for true, row in enumerate(self.counts)
            for predicted, count in enumerate(row)
            if count and true != predicted
        )
        most = sorted(wrong, key=lambda each: (-each[0], each[1:]))[:_MOST_CONFUSIONS]
        return [self._cell(true, predicted) for _, true, predicted in most]

    def _cell(self, true: int, predicted: int) -> ConfusionCell:
        row = self.counts[true]
        count, total = row[predicted], sum(row)
        part = count / total if total else 0.0
        kind = ("right" if true == predicted else "wrong") if count else ""
        about = (
            f"{self.classes[true]} called {self.classes[predicted]}: {count:,} of {total:,}, "
            f"{percent(part)}"
        )
        return ConfusionCell(pair_of(true, predicted), count, round(sqrt(part), 3), kind, about)


def pair_of(true: int, predicted: int) -> str:
    """The word that a cell is known by."""
    return f"{true}-{predicted}"
