"""A chart: what it shows as plain data, and where its lines and ticks stand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, TypeGuard

Unit = Literal["number", "percent"]
Shape = Literal["line", "step", "dots"]

EXTENT: Final = 1000
"""The width and the height of the plane that lines are drawn in; the page stretches it."""

_TICKS: Final = 5
_MARGIN: Final = 0.04  # of the range of values, above and below


@dataclass(frozen=True)
class Series:
    """A line of a chart, or a cloud of dots.

    Attributes:
        name: What it is called, and what is switched on and off with it; empty where a line needs
            no name.
        x: Where its points stand.
        y: Their values; None, or what is no finite number, breaks the line.
        colour: The number of its colour; None for what stands in the background.
        shape: How the points are joined.
        ended: Whether a cross ends it: it was broken off.
        dashed: Whether the line is dashed.
        notes: A word beside each point, such as the number of a trial.
        told: What it is called where its values are told; its name where nothing is said.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    colour: int | None = 0
    shape: Shape = "line"
    ended: bool = False
    dashed: bool = False
    notes: Sequence[str] = ()
    told: str = ""


class Guide(NamedTuple):
    """A straight line that a chart is read by.

    Attributes:
        at: Where it crosses its axis.
        name: What it says.
        across: Whether it goes across, at a value, and not upright.
    """

    at: float
    name: str
    across: bool = False


class Tick(NamedTuple):
    """A line of the grid.

    Attributes:
        place: From 0 to 1 along its axis.
        name: What stands beside it.
    """

    place: float
    name: str


@dataclass(frozen=True)
class Axis:
    """One of the axes of a chart.

    Attributes:
        low: Its first value.
        high: Its last one, which is another.
        unit: What its values are.
        log: Whether equal distances are equal ratios.
        whole: Whether only whole numbers are marked.
    """

    low: float
    high: float
    unit: Unit = "number"
    log: bool = False
    whole: bool = False

    def place(self, value: float) -> float:
        """Where a value stands, from 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[Tick]:
        """The lines of the grid, at round values."""
        return [Tick(self.place(value), self.shown(value)) for value in self._round()]

    def shown(self, value: float) -> str:
        """A value as it is written beside the axis."""
        if self.unit == "percent":
            return f"{100 * value:.4g} %"
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"

    def _round(self) -> Iterator[float]:
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            if last > first:
                yield from (10.0**power for power in range(first, last + 1))
                return
            ratio = self.high / self.low
            yield from (self.low * ratio ** (n / 3) for n in range(4))
            return
        step = _step((self.high - self.low) / _TICKS)
        if self.whole:
            step = max(step, 1.0)
        first = math.ceil(round(self.low / step, 9))
        for count in range(first, math.floor(round(self.high / step, 9)) + 1):
            yield count * step


def _step(rough: float) -> float:
    """A round distance of ticks: 1, 2 or 5 times a power of ten, at least as wide as asked for."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)


@dataclass(frozen=True)
class Chart:
    """Lines over one axis.

    Attributes:
        title: What it shows.
        across: What the points stand at.
        series: The lines; those in the background first.
        unit: What the values are.
        from_zero: Whether the axis of the values begins at 0, where none is negative.
        log: Whether the values are shown by their logarithm, where all are positive.
        log_across: The same of what they stand at.
        whole: Whether the points stand at whole numbers, such as epochs.
        across_unit: What the points stand at is.
        guides: Straight lines.
        square: Whether both axes go from 0 to 1.
        up: What the values are called, where the title does not say it.
    """

    title: str
    across: str
    series: Sequence[Series]
    unit: Unit = "number"
    from_zero: bool = False
    log: bool = False
    log_across: bool = False
    whole: bool = True
    across_unit: Unit = "number"
    guides: Sequence[Guide] = ()
    square: bool = False
    up: str = ""

    @cached_property
    def x_axis(self) -> Axis:
        """What the points stand at."""
        values = [value for each in self.series for value in each.x]
        if self.square:
            return Axis(0, 1, self.across_unit)
        log = self.log_across and min(values, default=0) > 0
        joined = len(set(values)) > 1 and all(each.shape == "line" for each in self.series)
        low, high = _range(values, log=log, margin=0 if joined else _MARGIN)
        return Axis(low, high, self.across_unit, log, self.whole)

    @cached_property
    def y_axis(self) -> Axis:
        """The values."""
        if self.square:
            return Axis(0, 1, self.unit)
        values = [value for each in self.series for value in each.y if _finite(value)]
        values += [guide.at for guide in self.guides if guide.across]
        log = self.log and min(values, default=0) > 0
        low, high = _range(values, log=log, margin=_MARGIN)
        if self.unit == "percent":
            high = min(high, 1.0) if max(values, default=0) <= 1 else high
            low = max(low, 0.0) if min(values, default=0) >= 0 else low
        if self.from_zero and not log and min(values, default=0) >= 0:
            low = 0.0
        return Axis(low, high if high > low else low + 1, self.unit, log)

    @property
    def lines(self) -> list[tuple[Series, str]]:
        """Each line with its path in a plane of ``EXTENT`` by ``EXTENT``, from its upper left."""
        return [(each, self.path(each)) for each in self.series]

    def path(self, series: Series) -> str:
        """The path of a line; of dots a stroke of no length each, which its round ends show."""
        parts, drawn, before = [], False, 0.0
        for x, y in zip(series.x, series.y, strict=True):
            if not _finite(y):
                drawn = False
                continue
            across, down = self._places(x, y)
            if series.shape == "dots":
                parts.append(f"M{across:.6g} {down:.6g}h0")
            elif not drawn:
                parts.append(f"M{across:.6g} {down:.6g}")
            elif series.shape == "step":
                parts.append(f"L{across:.6g} {before:.6g}V{down:.6g}")
            else:
                parts.append(f"L{across:.6g} {down:.6g}")
            drawn, before = True, down
        if series.shape == "line" and len(parts) == 1:
            parts.append("h0")  # a single point is a dot
        return "".join(parts)

    @property
    def legend(self) -> list[Series]:
        """The first line of each name."""
        first = {each.name: each for each in reversed(self.series) if each.name}
        return [each for each in self.series if first.get(each.name) is each]

    @property
    def ends(self) -> list[tuple[float, float]]:
        """Where lines were broken off, each from 0 to 1, from the lower left."""
        return [
            (self.x_axis.place(points[-1][0]), self.y_axis.place(points[-1][1]))
            for each in self.series
            if each.ended and (points := _points(each))
        ]

    @property
    def notes(self) -> list[tuple[float, float, str]]:
        """The words beside points, with their places."""
        return [
            (self.x_axis.place(x), self.y_axis.place(y), note)
            for each in self.series
            for x, y, note in zip(each.x, each.y, each.notes, strict=False)
            if _finite(y)
        ]

    @property
    def about(self) -> str:
        """What is seen, for who does not see it."""
        told = []
        for each in self.series:
            points = _points(each)
            name = each.told or each.name
            if name and points:
                first, last = (self.y_axis.shown(points[at][1]) for at in (0, -1))
                told.append(f"{name} from {first} to {last}")
        return f"{self.title} over {self.across}" + (f": {'; '.join(told)}" if told else "")

    @property
    def data(self) -> dict[str, Any]:
        """What the script of the page reads: the axes, and the points of each line."""
        axes = {
            name: {
                "low": axis.low,
                "high": axis.high,
                "unit": axis.unit,
                "log": axis.log,
                "whole": axis.whole,
            }
            for name, axis in (("x", self.x_axis), ("y", self.y_axis))
        }
        lines = [
            {
                "name": each.name,
                "told": each.told or each.name,
                "x": list(each.x),
                "y": [value if _finite(value) else None for value in each.y],
            }
            for each in self.series
        ]
        return {"across": self.across, "fixed": self.square, **axes, "series": lines}

    def _places(self, x: float, y: float) -> tuple[float, float]:
        return EXTENT * self.x_axis.place(x), EXTENT * (1 - self.y_axis.place(y))


def _points(series: Series) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(series.x, series.y, strict=True) if _finite(y)]


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _range(values: Sequence[float | None], *, log: bool, margin: float) -> tuple[float, float]:
    """The ends of an axis, a margin beyond the values; of equal values something round them."""
    finite = [float(value) for value in values if _finite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if log:
        ratio = (high / low) ** margin if high > low else 2.0
        return low / ratio, high * ratio
    wide = (high - low) * margin if high > low else 0.1 * (abs(low) or 1)
    return low - wide, high + wide
