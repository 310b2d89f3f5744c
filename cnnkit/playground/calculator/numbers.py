"""The numbers that a window lies on: given ones, or small ones made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from cnnkit.layers.shape import Shape
from cnnkit.playground.calculator.equation import Number

Value = Callable[[Sequence[int], int], Number]
"""The number of an input cell and a channel."""

# The lecture's numbers in the first cells of a map of so many axes and channels, a channel each.
_CORNERS: Final = {
    (1, 1): (((10, 20, -30, 40, -50),),),
    (2, 1): (((7, 2, 3), (4, 5, 3), (3, 3, 2)),),
    (2, 3): (((156, 155), (153, 154)), ((167, 166), (164, 165)), ((163, 162), (160, 161))),
}
_POOLED: Final = {(2, 1): (((1, 2), (6, 7)),)}


def source(cell: Sequence[int], shape: Shape, mode: str) -> list[int] | None:
    """The input cell whose number a cell of the padded map holds; None where it is zero."""
    found = [source_of(index, extent, mode) for index, extent in zip(cell, shape, strict=False)]
    inside = [index for index in found if index is not None]
    return inside if len(inside) == len(found) else None


def source_of(index: int, extent: int, mode: str) -> int | None:
    """Where a cell of a padded axis has its number from, as ``numpy.pad`` puts it; None: zero.

    >>> [source_of(index, 3, "reflect") for index in range(-2, 5)]
    [2, 1, 0, 1, 2, 1, 0]
    """
    if 0 <= index < extent:
        return index
    if mode == "circular":
        return index % extent
    if mode == "reflect":
        period = max(2 * (extent - 1), 1)
        return min(index % period, -index % period)
    if mode == "zeros":
        return None
    return min(max(index, 0), extent - 1)


def given_values(shape: Shape, numbers: Sequence[Number]) -> Value:
    """Numbers that were handed over, row by row, channels last."""

    def value(cell: Sequence[int], channel: int) -> Number:
        offset = 0
        for index, extent in zip((*cell, channel), shape, strict=True):
            offset = offset * extent + index
        return numbers[offset]

    return value


def made_up(shape: Shape, *, pooled: bool) -> Value:
    """Small numbers, the same each time; the lecture's in the first cells of a map like its own."""
    corner = (_POOLED if pooled else _CORNERS).get((len(shape) - 1, shape[-1]), ())

    def value(cell: Sequence[int], channel: int) -> Number:
        if corner and len(cell) == 2 and cell[0] < len(corner[channel]):
            row = corner[channel][cell[0]]
            if cell[1] < len(row):
                return row[cell[1]]
        if corner and len(cell) == 1 and cell[0] < len(corner[channel][0]):
            return corner[channel][0][cell[0]]
        if len(corner) == 3:  # the colour example has zeros around
            return 0
        mixed = channel
        for index in cell:
            mixed = 31 * mixed + 7 * index + 3
        return mixed * mixed % 10

    return value


def weight(index: Sequence[int]) -> int:
    """A small weight, the same each time: −2 to 2."""
    mixed = 1
    for each in index:
        mixed = 13 * mixed + each
    return mixed * mixed % 5 - 2
