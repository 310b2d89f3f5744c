"""Maps and filters as numbers: each as a table, side by side as far as the line is wide."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cnnkit.activations.example import Example
from cnnkit.activations.maps import LayerMaps
from cnnkit.layers.shape import show
from cnnkit.presentation.numbers import percent

LARGEST = 16
"""Maps with more rows or columns than this are summed up in a line, for pictures to show."""

_MOST = 8
_GAP = 4


def lines(example: Example, layers: Sequence[LayerMaps], width: int = 100) -> Iterator[str]:
    """The input and each layer: a line with its extremes, and its numbers where they are few.

    Args:
        example: The input.
        layers: What the layers made of it.
        width: Columns of a line.
    """
    yield f"input  {show(example.array.shape)}  {example.name}: {example.story}"
    yield from _indented(_side_by_side(_maps(example.array), width - 2))
    for layer in layers:
        yield ""
        yield f"{layer.path}  {layer.kind}  {show(layer.input)} → {show(layer.output)}"
        yield f"  {_summary(layer.maps)}"
        if layer.filters is not None:
            yield from _indented(_side_by_side(_filters(layer), width - 2))
        yield from _indented(_side_by_side(_maps(layer.maps), width - 2))


def is_small(maps: NDArray[np.float32]) -> bool:
    """Whether the numbers of maps are few enough to be read."""
    return max(maps.shape[:-1], default=1) <= LARGEST and maps.ndim <= 3


def _indented(texts: Iterator[str]) -> Iterator[str]:
    return (f"  {text}".rstrip() for text in texts)


def _summary(maps: NDArray[np.float32]) -> str:
    extremes = float(maps.min()), float(maps.max())
    low, high = map(_shown, extremes)
    average = float(maps.mean(dtype=np.float64))
    noise = 1e-6 * max(map(abs, extremes))  # of float32: what cancels to 0 is shown as 0
    mean = _shown(average if abs(average) > noise else 0.0)
    zeros = f", {percent(float(np.mean(maps == 0)), 0)} zeros" if (maps == 0).any() else ""
    return f"from {low} to {high}, mean {mean}{zeros}"


def _maps(maps: NDArray[np.float32]) -> list[list[str]]:
    """The tables of the first maps, or nothing where they are too large."""
    if not is_small(maps):
        return []
    decimals = _decimals(maps)
    if maps.ndim == 1:
        shown = maps[: 2 * LARGEST]
        more = [f"and {len(maps) - len(shown)} more"] if len(maps) > len(shown) else []
        rows = [shown[start : start + LARGEST] for start in range(0, len(shown), LARGEST)]
        return [[*_aligned(rows, decimals), *more]]
    if maps.ndim == 2:  # a signal: a channel a row
        return [_table("", maps.T[:_MOST], decimals), *_more(maps.shape[-1])]
    count = maps.shape[-1]
    tables = [_table(f"map {at}", maps[..., at], decimals) for at in range(min(count, _MOST))]
    if count == 1:
        tables = [_table("map", maps[..., 0], decimals)]
    return tables + _more(count)


def _filters(layer: LayerMaps) -> list[list[str]]:
    """The tables of the first filters of a convolution, the channels one below the other."""
    filters = layer.filters
    if filters is None or filters.ndim > 4 or max(filters.shape[:-2]) > LARGEST:
        return []
    *_, channels, count = filters.shape
    if channels > _MOST:
        return [[f"filters: {count} of {show(filters.shape[:-1])}"]]
    tables, decimals = [], _decimals(filters)
    for at in range(min(count, _MOST)):
        name = "filter" if count == 1 else f"filter {at}"
        table = []
        for channel in range(channels):
            head = name if channels == 1 else f"{name}, channel {channel}"
            kernel = filters[..., channel, at]
            table += _table(head, kernel if kernel.ndim == 2 else kernel[None], decimals)
        if layer.bias is not None:
            table.append(f"bias {_shown(float(layer.bias[at]))}")
        tables.append(table)
    return tables + _more(count, "filters")


def _more(count: int, what: str = "maps") -> list[list[str]]:
    return [[f"and {count - _MOST} more {what}"]] if count > _MOST else []


def _table(head: str, rows: NDArray[np.float32], decimals: int) -> list[str]:
    return [*([head] if head else []), *_aligned(list(rows), decimals)]


def _aligned(rows: Sequence[NDArray[np.float32]], decimals: int) -> list[str]:
    """Numbers in columns, right-aligned."""
    cells = [[_fixed(float(value), decimals) for value in row] for row in rows]
    width = max((len(cell) for row in cells for cell in row), default=0)
    return [" ".join(cell.rjust(width) for cell in row) for row in cells]


def _decimals(values: NDArray[np.float32]) -> int:
    """Decimals that leave four digits of the largest number; none where all are whole."""
    largest = float(np.abs(values).max(initial=0))
    if largest == 0 or (largest < 1e7 and np.array_equal(values, np.round(values))):
        return 0
    return min(max(3 - math.floor(math.log10(largest)), 0), 6)


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def _shown(value: float) -> str:
    """A number with four digits, without the zeros after them."""
    return f"{value:.4g}".replace("-", "−")


def _side_by_side(tables: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Tables beside each other, in as many bands as the width asks for."""
    band: list[Sequence[str]] = []
    used = 0
    for table in tables:
        columns = max(map(len, table), default=0)
        if band and used + _GAP + columns > width:
            yield from _band(band)
            yield ""
            band, used = [], 0
        used += columns + (_GAP if band else 0)
        band.append(table)
    if band:
        yield from _band(band)


def _band(tables: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, table), default=0) for table in tables]
    for row in range(max(map(len, tables))):
        cells = [
            (table[row] if row < len(table) else "").ljust(width)
            for table, width in zip(tables, widths, strict=True)
        ]
        yield (" " * _GAP).join(cells)
