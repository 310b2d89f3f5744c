"""The input cells that each cell of an axis sees, where neighbours see unlike spans of them.

Behind an upsampling, a transposed convolution or an adaptive pool the fields of an axis differ
in size from position to position, but they repeat: what a period of positions sees, the next one
sees further on. So a period says it all, of a map of any extent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import sub
from typing import NamedTuple, TypeAlias

from cnnkit.analysis.edge import Edge, highest, lowest, periodic
from cnnkit.layers.window import Uneven

Span: TypeAlias = tuple[int, int]
"""The first and the last cell."""

LONGEST = 1024
"""Positions that are looked at one by one; beyond, the size of a field is a rounded figure."""


class Slide(NamedTuple):
    """A window that reads cells from the first to the last of ``size``, ``dilation`` apart."""

    size: int
    stride: int
    before: int
    dilation: int = 1

    def reads(self, position: int) -> range:
        """The cells that a position reads."""
        start = position * self.stride - self.before
        return range(start, start + self.size, self.dilation)


class Ends(NamedTuple):
    """Spans none of which begins or ends ahead of the one before.

    So a window sees from what its first cell sees to what its last one sees.
    """

    first: Edge
    last: Edge

    @property
    def period(self) -> int:
        """After how many positions they repeat."""
        return math.lcm(len(self.first.steps), len(self.last.steps))

    @property
    def shift(self) -> int:
        """How far on the next period sees."""
        return self.period // len(self.first.steps) * self.first.shift

    def at(self, position: int) -> Span:
        """What a position sees."""
        return self.first.at(position), self.last.at(position)

    def sizes(self, extent: int) -> tuple[int, int]:
        """The smallest and the largest number of cells that one of the positions sees."""
        first, last, period = self.first, self.last, self.period
        if extent < period:
            return _sizes(first, last, extent)
        # Over a whole period it matters only how far apart both begin.
        turns, offset = divmod(last.offset - first.offset, len(last.steps))
        smallest, largest = _sizes(
            Edge(first.steps, first.shift), Edge(last.steps, last.shift, offset), period
        )
        more = last.base - first.base + turns * last.shift
        return smallest + more, largest + more

    def whole(self, extent: int) -> Span:
        """What all positions of an axis see together."""
        return self.first.at(0), self.last.at(extent - 1)


@lru_cache(maxsize=1024)
def _sizes(first: Edge, last: Edge, count: int) -> tuple[int, int]:
    """The smallest and the largest number of cells from one edge to the other."""
    lengths = list(map(sub, last.over(count), first.over(count)))
    return min(lengths) + 1, max(lengths) + 1


class SpanSequence(NamedTuple):
    """Spans one by one, some of which may be missing, or lie ahead of the ones before.

    Attributes:
        spans: What each of some positions sees; None where it sees nothing.
        shift: How far on the next ones see, were the map to go on beyond its borders; None
            where these are all that there are, and what is beyond sees nothing.
    """

    spans: tuple[Span | None, ...]
    shift: int | None

    @property
    def period(self) -> int:
        """After how many positions they repeat, or how many there are."""
        return len(self.spans)

    def at(self, position: int) -> Span | None:
        """What a position sees."""
        count, place = divmod(position, len(self.spans))
        span = self.spans[place]
        if span is None or not count:
            return span
        if self.shift is None:
            return None
        moved = count * self.shift
        return span[0] + moved, span[1] + moved

    def sizes(self, extent: int) -> tuple[int, int]:
        """The smallest and the largest number of cells that one of the positions sees."""
        lengths = [
            span[1] - span[0] + 1 if span is not None else 0
            for span in self.spans[: min(extent, len(self.spans))]
        ]
        return min(lengths), max(lengths)

    def whole(self, extent: int) -> Span | None:
        """What all positions of an axis see together."""
        return hull(map(self.at, _ends(range(extent), len(self.spans))))


Spans: TypeAlias = Ends | SpanSequence
"""What each position of an axis sees."""


def regular(first: int, size: int, stride: int) -> Spans:
    """The spans of cells that all see as much, ``stride`` further on from one to the next."""
    return Ends(Edge((0,), stride, 0, first), Edge((0,), stride, 0, first + size - 1))


def hull(spans: Iterable[Span | None]) -> Span | None:
    """From the first of all cells to the last; None where there is none."""
    known = [span for span in spans if span is not None]
    if not known:
        return None
    return min([first for first, _ in known]), max([last for _, last in known])


def clipped(span: Span | None, limit: int) -> Span | None:
    """The part of a span that lies inside an input of ``limit`` cells."""
    if span is None or span[1] < 0 or span[0] >= limit:
        return None
    return max(span[0], 0), min(span[1], limit - 1)


def read(spans: Spans, window: Slide | Uneven, step: tuple[int, int], extent: int) -> Spans | None:
    """What the cells see that a window makes of these.

    Args:
        spans: Of the cells that the window reads.
        window: What each position of the window reads.
        step: How many cells on it reads, so many positions further on.
        extent: How many positions the window has.

    Returns:
        Those of a period; where that is too long, of the positions there are; where these are too
        many as well, None.
    """
    if isinstance(spans, Ends) and isinstance(window, Slide):
        first = spans.first.moved(-window.before).every(window.stride)
        last = spans.last.moved(window.size - 1 - window.before).every(window.stride)
        return Ends(first, last)
    cells, positions = step
    turns = spans.period // math.gcd(spans.period, cells)
    count, shift = positions * turns, None
    if spans.shift is not None and count <= LONGEST:
        shift = cells * turns // spans.period * spans.shift
    elif extent <= LONGEST:
        count = extent
    else:
        return None
    reads = [window.reads(position) for position in range(count)]
    if isinstance(spans, SpanSequence):
        if spans.shift is None:
            reads = [_inside(each, spans.period) for each in reads]
        seen = [hull(map(spans.at, _ends(each, spans.period))) for each in reads]
    else:
        seen = [hull(map(spans.at, (*each[:1], *each[-1:]))) for each in reads]
    found = SpanSequence(tuple(seen), shift)
    known = [span for span in (*seen, found.at(count)) if span is not None]
    if shift is None or len(known) <= count or not _is_steady(known):
        return found
    known.pop()
    return Ends(
        periodic([first for first, _ in known], shift), periodic([last for _, last in known], shift)
    )


def union(spans: Sequence[Spans], extent: int) -> Spans | None:
    """What the cells of maps see that are joined and move on alike, of a period or of all."""
    count = math.lcm(*[each.period for each in spans])
    if count > LONGEST or any(each.shift is None for each in spans):
        return listed(spans, extent)
    steady = [each for each in spans if isinstance(each, Ends)]
    if len(steady) == len(spans):
        first = lowest([each.first for each in steady], count)
        return Ends(first, highest([each.last for each in steady], count))
    shift = (spans[0].shift or 0) * (count // spans[0].period)
    return SpanSequence(tuple(hull(each.at(i) for each in spans) for i in range(count)), shift)


def listed(
    spans: Sequence[Spans | Span | None], extent: int, limit: int | None = None
) -> Spans | None:
    """What each cell of maps sees that are joined, of an input of ``limit`` cells.

    They need not move on alike; a span is what all cells of a map see. None where there are too
    many cells.
    """
    if extent > LONGEST:
        return None
    found = []
    for position in range(extent):
        seen = [each.at(position) if isinstance(each, Spans) else each for each in spans]
        found.append(hull(seen if limit is None else [clipped(span, limit) for span in seen]))
    return SpanSequence(tuple(found), None)


def _is_steady(spans: Sequence[Span]) -> bool:
    """Whether none begins or ends ahead of the one before."""
    return all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))


def _ends(reads: range, period: int) -> Iterable[int]:
    """Of evenly spaced positions those that can see furthest: a period at each end."""
    if not reads[2 * period :]:  # a range may be too long to have a length
        return reads
    return (*reads[:period], *reads[-period:])


def _inside(reads: range, extent: int) -> range:
    """The positions of an axis among evenly spaced ones."""
    first = max(0, -(reads.start // reads.step))
    last = (extent - 1 - reads.start) // reads.step
    return reads[first : max(last + 1, first)]
