"""The part of the padded input round a window, as a grid of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cnnkit.playground.calculator.numbers import Value, source
from cnnkit.playground.calculator.operation import Tap, WatchedOperation, inside

_MOST: Final = 12
"""Rows and columns that are shown: as many as a phone has room for."""


def surroundings(
    operation: WatchedOperation, taps: Sequence[Sequence[Tap]], value: Value, channel: int
) -> dict[str, Any]:
    """The cells round a window in the last two axes, in one channel.

    Args:
        operation: The operation.
        taps: What the window reads, an axis each.
        value: The numbers of the input.
        channel: The channel.

    Returns:
        ``first``, the index of the first cell on each of the two axes; ``lead``, that of the
        slice, of a volume; and ``cells``, rows of numbers, None where a pool's padding is.
    """
    lead = [axis[len(axis) // 2].cell if axis else 0 for axis in taps[:-2]]
    start = max(len(taps) - 2, 0)
    ranges = [
        _round(axis, operation.input[start + number], *operation.padding[start + number])
        for number, axis in enumerate(taps[start:])
    ]
    rows = ranges[0] if len(ranges) == 2 else range(1)
    columns = ranges[-1]

    def held(row: int, column: int) -> dict[str, Any]:
        cell = [*lead, row, column] if len(ranges) == 2 else [column]
        there = inside(cell, operation.input)
        origin = cell if there else source(cell, operation.input, operation.mode or "zeros")
        if not there and operation.mode is None:
            return {"value": None, "inside": False}
        return {"value": 0 if origin is None else value(origin, channel), "inside": there}

    return {
        "first": [rows.start, columns.start],
        "lead": lead,
        "cells": [[held(row, column) for column in columns] for row in rows],
    }


def _round(axis: Sequence[Tap], extent: int, before: int, after: int) -> range:
    """The cells of an axis that are shown: the window in the middle, where there is room."""
    first, last = (axis[0].cell, axis[-1].cell) if axis else (0, 0)
    least, most = min(-before, first), max(extent + after, last + 1)
    if last - first >= _MOST:
        return range(first, first + _MOST)
    start = max(min((first + last + 1 - _MOST) // 2, most - _MOST), least)
    return range(start, min(start + _MOST, most))
