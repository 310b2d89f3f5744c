"""One end of the fields along an axis: the first cells that they see, or the last."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Edge(NamedTuple):
    """A cell of the input for each position of an axis, never before that of the last position.

    What a period of positions sees, the next one sees further on, were the map to go on beyond
    its borders. A window of stride 1 moves along the edge, and changes nothing else.

    >>> edge = Edge((0, 0, 1), shift=2, offset=1, base=5)
    >>> edge.over(5)
    [5, 6, 7, 7, 8]

    Attributes:
        steps: The cells of a period of positions.
        shift: How far on the next period is.
        offset: The position in the period at which the axis begins.
        base: What is added to the cells.
    """

    steps: tuple[int, ...]
    shift: int
    offset: int = 0
    base: int = 0

    def at(self, position: int) -> int:
        """The cell of a position."""
        count, place = divmod(position + self.offset, len(self.steps))
        return self.base + count * self.shift + self.steps[place]

    def over(self, count: int) -> list[int]:
        """The cells of the first positions."""
        period = len(self.steps)
        turns, place = divmod(self.offset, period)
        cells: list[int] = []
        start = self.base + turns * self.shift
        for _ in range(-(-(place + count) // period)):
            cells += [start + step for step in self.steps]
            start += self.shift
        return cells[place : place + count]

    def moved(self, by: int) -> Edge:
        """The edge that begins so many positions further on."""
        return Edge(self.steps, self.shift, self.offset + by, self.base)

    def every(self, stride: int) -> Edge:
        """The edge of the positions that lie ``stride`` apart."""
        if stride == 1:
            return self
        period = len(self.steps)
        count = period // math.gcd(period, stride)
        cells = [self.at(position * stride) for position in range(count)]
        return periodic(cells, stride * count // period * self.shift)


def periodic(cells: Sequence[int], shift: int) -> Edge:
    """The edge with these cells for a period of positions."""
    start = cells[0]
    return Edge(tuple([cell - start for cell in cells]), shift, 0, start)


def lowest(edges: Sequence[Edge], count: int) -> Edge:
    """The first of the cells of several edges at each position; ``count`` are a period of all."""
    return _furthest(edges, count, min)


def highest(edges: Sequence[Edge], count: int) -> Edge:
    """The last of the cells of several edges at each position; ``count`` are a period of all."""
    return _furthest(edges, count, max)


def _furthest(edges: Sequence[Edge], count: int, pick: Callable[..., int]) -> Edge:
    furthest, *others = edges
    for edge in others:
        if edge[:2] == furthest[:2] and edge.base == furthest.base:
            offset = pick(edge.offset, furthest.offset)  # as no edge falls
            furthest = edge if offset == edge.offset else furthest
            continue
        cells, known = edge.over(count), furthest.over(count)
        picked = list(map(pick, cells, known))
        if picked == cells:
            furthest = edge
        elif picked != known:
            furthest = periodic(picked, edge.shift * (count // len(edge.steps)))
    return furthest
