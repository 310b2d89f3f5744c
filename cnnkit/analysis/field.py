"""The receptive field of one axis, and what windows, pools and joins make of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from cnnkit.analysis.spans import (
    Ends,
    Slide,
    Span,
    Spans,
    SpanSequence,
    clipped,
    hull,
    listed,
    read,
    regular,
    union,
)
from cnnkit.layers.window import Reach, UnevenReach

Number = int | Fraction


class Field(NamedTuple):
    """One axis of a tensor, as seen from the network's input; all in input cells.

    Attributes:
        size: How many input cells one cell can see: the most that any sees.
        stride: How far the fields of two neighbouring cells are apart.
        padding: How far the first cell's field reaches in front of the input. Where cells see
            unlike spans, such that the centres are right.
        pooled: Whether all cells see the same, after a global pool or a dense layer.
        least: The least that any cell sees, where that is another number.
        spans: What each cell sees, where cells see unlike spans.
        gate: What every cell sees besides, of a map that was joined to a pooled one.
        local: The field without the gate, where the gate is the larger one.
    """

    size: Number
    stride: Number
    padding: Number
    pooled: bool = False
    least: Number | None = None
    spans: Spans | None = None
    gate: Span | None = None
    local: Field | None = None

    @property
    def centre(self) -> Number:
        """The middle of the first cell's field, counted from the first input cell."""
        doubled = self.size - 1 - 2 * self.padding
        if type(doubled) is int and not doubled % 2:
            return doubled // 2
        return whole(Fraction(doubled, 2))

    @property
    def end(self) -> Number:
        """The last cell of the first cell's field."""
        return self.size - 1 - self.padding

    @property
    def smallest(self) -> Number:
        """How many input cells the cell sees that sees least."""
        return self.size if self.least is None else self.least

    @property
    def plain(self) -> bool:
        """Whether all cells see as much, by their windows alone."""
        return not self.pooled and self.spans is None and self.gate is None

    @property
    def windowed(self) -> Field:
        """What the windows see, without what a gate adds."""
        if self.local is not None:
            return self.local
        return self if self.gate is None else self._replace(gate=None)


def whole(value: Number) -> Number:
    """A fraction that is whole as an ``int``."""
    if type(value) is int or value.denominator != 1:
        return value
    return value.numerator


def slid(field: Field, reach: Reach, dilation: int, before: int, after: int) -> Field:
    """The field behind a window.

    Args:
        field: The field of what it reads.
        reach: The window.
        dilation: How far apart the cells are that it reads.
        before: The extent of what it reads.
        after: The extent of what it gives.
    """
    if field.plain and type(reach) is Reach:  # as most are
        return _windowed(field, reach)
    if field.pooled:
        return field
    if field.gate is not None:
        return _gated(slid(field.windowed, reach, dilation, before, after), field.gate)
    if reach.uneven is not None and before == 1:
        return pooled(field, 1)  # one cell for many
    plain = _windowed(field, reach)
    spans = _spans(field)
    window = reach.uneven or Slide(int(reach.size), int(reach.stride), int(reach.before), dilation)
    period = reach.period if isinstance(reach, UnevenReach) else 1
    step = (period * reach.stride.numerator, period * reach.stride.denominator)
    found = spans and read(spans, window, step, after)
    return _spanned(found, plain.stride, plain.centre, after) if found else plain


def _windowed(field: Field, reach: Reach) -> Field:
    """The field behind a window, if all cells see as much as the one that sees most."""
    size, stride, padding = field[:3]
    size += (reach.size - 1) * stride
    padding += reach.before * stride
    stride *= reach.stride
    if type(stride) is int:
        return Field(size, stride, padding)
    return Field(whole(size), whole(stride), whole(padding))


def pooled(field: Field, extent: int) -> Field:
    """The field of a cell that sees all that the cells of an axis see."""
    if field.pooled:
        return field
    if field.gate is not None:
        seen = _span(pooled(field.windowed, extent))
        return _constant([field.gate, seen], field.stride)
    if field.spans is not None:
        return _constant([field.spans.whole(extent)], field.stride)
    size = whole(field.size + (extent - 1) * field.stride)
    return Field(size, field.stride, field.padding, pooled=True)


def joined(fields: Sequence[Field], extent: int, limit: int) -> Field:
    """The field of cells that see what the cells of several maps see.

    Args:
        fields: Of the maps.
        extent: Theirs, in cells.
        limit: The extent of the network's input.
    """
    mapped = [field.windowed for field in fields if not field.pooled]
    gates = [_span(field) if field.pooled else field.gate for field in fields]
    gate = hull(gates)
    if not mapped:
        return _constant(gates, fields[0].stride)
    field = _united(mapped, extent, limit)
    gate = clipped(gate, limit)
    if gate is None:
        return field
    seen = clipped(_span(pooled(field, extent)), limit)
    if gate != (0, limit - 1) and hull([gate, seen]) != gate:
        # The gate has seen a part of the input only, so that it matters where a cell lies.
        spans = _spans(field)
        found = spans and listed([spans, gate], extent, limit)
        if found:
            return _spanned(found, field.stride, field.centre, extent)
    return _gated(field, gate)


def _united(fields: Sequence[Field], extent: int, limit: int) -> Field:
    """From the first cell that one of the maps sees to the last."""
    largest = max(fields, key=lambda field: field.size)
    if all(field == largest for field in fields):
        return largest
    start = min(-field.padding for field in fields)
    end = max(field.end for field in fields)
    alike = all(field.stride == largest.stride for field in fields)
    plain = Field(whole(end - start + 1), largest.stride, whole(-start))
    if alike and all(field.spans is None for field in fields):
        return plain
    spans = [known for known in map(_spans, fields) if known is not None]
    if len(spans) < len(fields):
        return plain
    if alike:
        found = union(spans, extent)
        return _spanned(found, plain.stride, plain.centre, extent) if found else plain
    found = listed(spans, extent, limit)
    if found is None:  # cells drift apart from one end to the other, so that the ends see most
        ends = [listed([each.at(i) for each in spans], 1, limit) for i in (0, extent - 1)]
        sizes = [each.sizes(1)[1] for each in ends if each is not None]
        return _placed(max(sizes), min(sizes), largest.stride, largest.centre)
    return _spanned(found, largest.stride, largest.centre, extent)


def _gated(field: Field, gate: Span) -> Field:
    """What windows see and what a gate sees, the figures being those of the larger one."""
    size = gate[1] - gate[0] + 1
    if field.size > size:
        least = None if field.least is None else max(field.least, size)
        return field._replace(least=least, gate=gate)
    return Field(size, field.stride, -gate[0], gate=gate, local=field)


def _constant(seen: Sequence[Span | None], stride: Number) -> Field:
    """The field of cells that all see the same."""
    span = hull(seen)
    if span is None:
        return Field(0, stride, 0, pooled=True)
    return Field(span[1] - span[0] + 1, stride, -span[0], pooled=True)


def _spanned(spans: Spans, stride: Number, centre: Number, extent: int) -> Field:
    """The field of cells that see unlike spans, whose centres are known."""
    if isinstance(spans, SpanSequence) and spans.shift is None and len(set(spans.spans)) == 1:
        return _constant(spans.spans, stride)
    smallest, largest = spans.sizes(extent)
    field = _placed(largest, smallest, stride, centre)
    if isinstance(spans, Ends) and spans.period == 1 and spans.first.at(0) == -field.padding:
        return field  # they have become alike
    return field._replace(spans=spans)


def _placed(size: int, least: int, stride: Number, centre: Number) -> Field:
    padding = whole(Fraction(size - 1, 2) - centre)
    return Field(size, stride, padding, least=None if least == size else least)


def _spans(field: Field) -> Spans | None:
    """What each cell sees; None where it is known in round figures only."""
    if field.spans is not None:
        return field.spans
    size, stride, padding = field.size, field.stride, field.padding
    if isinstance(size, int) and isinstance(stride, int) and isinstance(padding, int):
        return regular(-padding, size, stride)
    return None


def _span(field: Field) -> Span | None:
    """What the first cell sees, in whole cells."""
    start, end = -(field.padding // 1), -(-field.end // 1)
    return (start, end) if end >= start else None
