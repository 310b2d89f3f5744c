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
from typing import NamedTuple, TypeAlias

from cnnkit.layers.window import Uneven

Span: TypeAlias = tuple[int, int]
"""The first and the last cell."""

LONGEST = 1024
"""Positions that are looked at one by one; beyond, the size of a field is a rounded figure."""


class Slide(NamedTuple):
    """A window that reads ``size`` cells, ``dilation`` apart; see ``cnnkit.layers.window``."""

    size: int
    stride: int
    before: int
    dilation: int = 1

    def reads(self, position: int) -> range:
        """The cells that a position reads."""
        start = position * self.stride - self.before
        return range(start, start + self.size, self.dilation)


class Spans(NamedTuple):
    """What the positions of an axis see.

    Attributes:
        period: What each of some positions sees; None where it sees nothing.
        shift: How far on the positions after these see, were the map to go on beyond its
            borders; None where these are all that there are, and what is beyond sees nothing.
    """

    period: tuple[Span | None, ...]
    shift: int | None

    def at(self, position: int) -> Span | None:
        """What a position sees."""
        count, place = divmod(position, len(self.period))
        span = self.period[place]
        if span is None or not count:
            return span
        if self.shift is None:
            return None
        moved = count * self.shift
        return span[0] + moved, span[1] + moved

    def sizes(self, extent: int) -> tuple[int, int]:
        """The smallest and the largest number of cells that one of the positions sees."""
        counts = [
            span[1] - span[0] + 1 if span is not None else 0
            for span in self.period[: min(extent, len(self.period))]
        ]
        return min(counts), max(counts)

    def whole(self, extent: int) -> Span | None:
        """What all positions of an axis see together."""
        return hull(map(self.at, _ends(range(extent), len(self.period))))


def regular(first: int, size: int, stride: int) -> Spans:
    """The spans of cells that all see as much, ``stride`` further on from one to the next."""
    return Spans(((first, first + size - 1),), stride)


def hull(spans: Iterable[Span | None]) -> Span | None:
    """From the first of all cells to the last; None where there is none."""
    known = [span for span in spans if span is not None]
    if not known:
        return None
    return min([first for first, _ in known]), max([last for _, last in known])


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
    cells, positions = step
    known = len(spans.period)
    turns = known // math.gcd(known, cells)
    count, shift = positions * turns, None
    if spans.shift is not None and count <= LONGEST:
        shift = cells * turns // known * spans.shift
    elif extent <= LONGEST:
        count = extent
    else:
        return None
    base = next((span[0] for span in spans.period if span is not None), 0)
    return _moved(_read(_moved(spans, -base), window, count, shift), base)


@lru_cache(maxsize=1024)  # layers of one network are mostly alike
def _read(spans: Spans, window: Slide | Uneven, count: int, shift: int | None) -> Spans:
    """As ``read``, of spans moved to where the input begins, for so many positions."""
    known = len(spans.period)
    steady = _is_steady(spans)
    found: list[Span | None] = []
    for position in range(count):
        reads = window.reads(position)
        if steady and reads:
            ends: Iterable[int] = (reads[0], reads[-1])
        else:
            ends = _ends(_inside(reads, known) if spans.shift is None else reads, known)
        found.append(hull(map(spans.at, ends)))
    return Spans(tuple(found), shift)


def union(spans: Sequence[Spans], extent: int) -> Spans | None:
    """What the cells of maps see that are joined and move on alike, of a period or of all."""
    count = math.lcm(*(len(each.period) for each in spans))
    if count > LONGEST or any(each.shift is None for each in spans):
        return listed(spans, extent)
    first = spans[0]
    shift = (first.shift or 0) * (count // len(first.period))
    return Spans(tuple(hull(each.at(i) for each in spans) for i in range(count)), shift)


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
    return Spans(tuple(found), None)


def clipped(span: Span | None, limit: int) -> Span | None:
    """The part of a span that lies inside the input."""
    if span is None or span[1] < 0 or span[0] >= limit:
        return None
    return max(span[0], 0), min(span[1], limit - 1)


def _moved(spans: Spans, by: int) -> Spans:
    if not by:
        return spans
    moved = [span and (span[0] + by, span[1] + by) for span in spans.period]
    return Spans(tuple(moved), spans.shift)


def _is_steady(spans: Spans) -> bool:
    """Whether no position sees ahead of the one before, so that the ends of a window say all."""
    known = [span for span in spans.period if span is not None]
    if spans.shift is None or len(known) < len(spans.period):
        return False
    first, last = known[0]
    ends = [*known, (first + spans.shift, last + spans.shift)]
    return all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(ends))


def _ends(reads: Sequence[int], period: int) -> Iterable[int]:
    """Of evenly spaced positions those that can see furthest: a period at each end."""
    if not reads[2 * period :]:  # a range may be too long to have a length
        return reads
    return (*reads[:period], *reads[-period:])


def _inside(reads: range, extent: int) -> range:
    """The positions of an axis among evenly spaced ones."""
    first = max(0, -(reads.start // reads.step))
    last = (extent - 1 - reads.start) // reads.step
    return reads[first : max(last + 1, first)]
