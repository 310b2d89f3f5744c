"""Where each part of a drawing lies: a flat list of shapes that every painter understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cnnkit.report.drawing.parts import GAP, WIDEST, Branches, Map, Part, row_width
from cnnkit.report.drawing.scale import Outline, Point

MARGIN = 32
_NARROWEST = 480
_LINE = 16
_BELOW = 24
_BETWEEN_LANES = 20


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text; y is that of its base."""

    x: int
    y: int
    text: str
    style: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Stack:
    """The faces of a map, in the colour of its family."""

    outlines: tuple[Outline, ...]
    family: str
    unknown: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line by way of some points; with a head where it leads to a map."""

    points: tuple[Point, ...]
    head: bool


@dataclass(frozen=True, slots=True)
class ShapeGroup:
    """Shapes that belong together, what is said of them, and the layer that they open."""

    shapes: tuple[TextLine | Stack | Arrow, ...]
    tip: str
    opens: str = ""


@dataclass(slots=True)
class Picture:
    """A drawing in pixels, from its upper left corner."""

    width: int = _NARROWEST
    height: int = 0
    groups: list[ShapeGroup] = field(default_factory=list)

    def heading(self, name: str, summary: str) -> None:
        """Two lines above a network."""
        y = self.height + MARGIN
        lines = (
            TextLine(MARGIN, y + 12, name, "name", "start"),
            TextLine(MARGIN, y + 34, summary, "quiet", "start"),
        )
        self.groups.append(ShapeGroup(lines, ""))
        self.height = y + 62 - MARGIN

    def add(self, parts: Sequence[Part]) -> None:
        """A network below what is there, in rows that fit on the page."""
        rows = _rows(parts)
        self.width = max(self.width, *(row_width(row) + 2 * MARGIN for row in rows))
        y = self.height + MARGIN
        end: Point | None = None
        for row in rows:
            box = _Box.of(row)
            axis = y + box.above
            between = y - GAP // 2
            end = self._row(row, box, MARGIN, axis, end, between)
            y = axis + box.below + GAP
        self.height = y - GAP + MARGIN // 2

    def _row(
        self,
        row: Sequence[Part],
        box: _Box,
        x: int,
        axis: int,
        start: Point | None,
        between: int = 0,
    ) -> Point | None:
        """Parts one after the other from x on, and where the last one ends."""
        for part in row:
            if isinstance(part, Branches):
                start = self._branches(part, x, axis, start, between)
            else:
                middle = x + part.width // 2
                left = middle - part.size[0] // 2
                if start is not None and not part.begins:
                    self._arrow(start, (left - 6, axis), between)
                self._map(part, middle, axis, box.tallest)
                start = (left + part.size[0] + 6, axis)
            x += part.width + GAP
        return start

    def _branches(
        self, branches: Branches, x: int, axis: int, start: Point | None, between: int
    ) -> Point:
        """Branches one below the other, round the axis."""
        fork, join = x + branches.inset, x + branches.width - branches.inset
        boxes = _boxes(branches)
        if start is not None:
            self._arrow(start, (fork, axis), between, head=False)
        y = axis - _reach(boxes)[0]
        for lane, box in zip(branches.lanes, boxes, strict=True):
            lane_axis = y + box.above
            inside = x + (branches.width - row_width(lane)) // 2
            lead = (fork, axis) if lane_axis == axis else (fork, lane_axis)
            if lane_axis != axis:
                self._line((fork, axis), (fork, lane_axis))
            end = self._row(lane, box, inside, lane_axis, lead) or lead
            self._line(end, (join, lane_axis), (join, axis))
            y = lane_axis + box.below + _BETWEEN_LANES
        return join, axis

    def _map(self, part: Map, middle: int, axis: int, tallest: int) -> None:
        """A stack round the axis, and the words below."""
        width, height = part.size
        left, top = middle - width // 2, axis - height // 2
        outlines = tuple(
            tuple((left + x, top + y) for x, y in outline)
            for outline in part.scale.outlines(part.shape)
        )
        stack = Stack(outlines, part.family, part.shape is None)
        base = axis - tallest // 2 + tallest + _BELOW
        words = (
            TextLine(middle, base + _LINE * number, text, style)
            for number, (text, style) in enumerate(part.words)
        )
        shown = () if part.family == "more" else (stack,)
        self.groups.append(ShapeGroup((*shown, *words), "\n".join(part.tips), part.opens))

    def _arrow(self, start: Point, end: Point, between: int, *, head: bool = True) -> None:
        """To the next part; to another row by way of the space ``between`` the rows."""
        (x1, y1), (x2, y2) = start, end
        points: tuple[Point, ...] = (start, end)
        if y1 != y2 or x2 < x1:
            edge = self.width - MARGIN // 2
            side = MARGIN // 2
            points = (start, (edge, y1), (edge, between), (side, between), (side, y2), end)
        self.groups.append(ShapeGroup((Arrow(points, head),), "next"))

    def _line(self, *points: Point) -> None:
        steps = [points[0], *(b for a, b in pairwise(points) if a != b)]
        if len(steps) > 1:
            self.groups.append(ShapeGroup((Arrow(tuple(steps), head=False),), "next"))


@dataclass(frozen=True, slots=True)
class _Box:
    """How far a row reaches above and below its axis, and how tall its tallest map is."""

    above: int
    below: int
    tallest: int

    @classmethod
    def of(cls, row: Sequence[Part]) -> _Box:
        maps = [part for part in row if isinstance(part, Map)]
        tallest = max((part.size[1] for part in maps), default=0)
        above, below = tallest // 2, 0
        if maps:
            lines = max(len(part.words) for part in maps)
            below = tallest - tallest // 2 + _BELOW + _LINE * lines
        for part in row:
            if isinstance(part, Branches):
                over, under = _reach(_boxes(part))
                above, below = max(above, over), max(below, under)
        return cls(max(above, _LINE // 2), max(below, _LINE // 2), tallest)


def _boxes(branches: Branches) -> list[_Box]:
    return [_Box.of(lane) for lane in branches.lanes]


def _reach(boxes: Sequence[_Box]) -> tuple[int, int]:
    """How far branches reach above and below the axis that lies amid those of theirs."""
    axes, y = [], 0
    for box in boxes:
        axes.append(y + box.above)
        y += box.above + box.below + _BETWEEN_LANES
    middle = len(axes) // 2
    axis = axes[middle] if len(axes) % 2 else (axes[middle - 1] + axes[middle]) // 2
    return axis, y - _BETWEEN_LANES - axis


def _rows(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts in rows that fit on the page."""
    rows: list[list[Part]] = [[]]
    for part in parts:
        if rows[-1] and row_width([*rows[-1], part]) > WIDEST:
            rows.append([])
        rows[-1].append(part)
    return rows
