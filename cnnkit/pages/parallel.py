"""Parallel coordinates: a line for each choice through upright axes, to what came of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnnkit.pages.chart import EXTENT, Tick

_LONGEST = 14
_RATIO = 20
"""From which ratio of the largest value to the smallest an axis is one of logarithms."""


class Upright:
    """An axis: numbers where all of its values are, else words, each at a place of its own.

    Args:
        name: What it is of.
        values: Its values; None where a line has none.
        shown: How one is written.
    """

    def __init__(self, name: str, values: Iterable[Any], shown: Any = str) -> None:
        self.name = name
        self.shown = shown
        given = [value for value in values if value is not None]
        self.numbers = bool(given) and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in given
        )
        self.words = [] if self.numbers else sorted(set(map(shown, given)))
        self.low: float = min(given) if self.numbers else 0
        self.high: float = max(given) if self.numbers else 0
        self.log = self.numbers and self.low > 0 and self.high / self.low > _RATIO

    def place(self, value: Any) -> float:
        """Where a value stands, from 0 to 1."""
        if not self.numbers:
            return self.words.index(self.shown(value)) / max(1, len(self.words) - 1)
        if self.high == self.low:
            return 0.5
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return float((value - self.low) / (self.high - self.low))

    @property
    def ticks(self) -> list[Tick]:
        """What is written beside it."""
        if not self.numbers:
            last = max(1, len(self.words) - 1)
            return [Tick(place / last, word[:_LONGEST]) for place, word in enumerate(self.words)]
        if self.high == self.low:
            return [Tick(0.5, self.shown(self.low))]
        span, ratio = self.high - self.low, self.high / self.low if self.log else 1
        parts = [count / 4 for count in range(5)]
        values = [self.low * ratio**part if self.log else self.low + span * part for part in parts]
        return [Tick(part, f"{value:.3g}") for part, value in zip(parts, values, strict=True)]


class ParallelLine(NamedTuple):
    """A line.

    Attributes:
        name: What it is of.
        values: Its value on each axis by its name; it passes by an axis on which it has none.
        strength: How strong it is drawn, 0 to 1.
    """

    name: str
    values: Mapping[str, Any]
    strength: float


@dataclass(frozen=True)
class ParallelChart:
    """Lines through axes.

    Attributes:
        axes: From left to right.
        drawn: The lines, the strongest last.
    """

    axes: Sequence[Upright]
    drawn: Sequence[ParallelLine]

    @property
    def lines(self) -> list[tuple[ParallelLine, str]]:
        """Each line with its path in a plane of ``EXTENT`` by ``EXTENT``."""
        return [(line, self._path(line)) for line in self.drawn]

    @property
    def columns(self) -> list[tuple[float, Upright]]:
        """Each axis with its place, from 0 to 1."""
        last = max(1, len(self.axes) - 1)
        return [(place / last, axis) for place, axis in enumerate(self.axes)]

    @property
    def about(self) -> str:
        """What is seen, for who does not see it."""
        names = ", ".join(axis.name for axis in self.axes)
        return f"{len(self.drawn)} lines through {names}"

    def _path(self, line: ParallelLine) -> str:
        places = [
            (EXTENT * across, EXTENT * (1 - axis.place(line.values[axis.name])))
            for across, axis in self.columns
            if line.values.get(axis.name) is not None
        ]
        return "M" + "L".join(f"{across:.6g} {down:.6g}" for across, down in places)
