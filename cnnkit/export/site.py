"""How a target writes a node, and its geometry as all targets write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnnkit.export.outline import Expression
from cnnkit.layers.window import Window
from cnnkit.spec.site import Site

Sides = tuple[tuple[int, int], ...]


Writer = Callable[[Site[Any]], Expression]
"""How a target writes the layers of a kind."""


def brief(values: Sequence[int]) -> int | tuple[int, ...]:
    """One number where all axes have the same."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def sides_of(windows: Sequence[Window]) -> Sides:
    """The cells before and after, those that `rounding: ceil` reaches beyond left aside."""
    return tuple((window.before, window.reached) for window in windows)


def overhang_of(windows: Sequence[Window]) -> Sides:
    """The cells that `rounding: ceil` reaches beyond the padded input."""
    return tuple((0, window.overhang) for window in windows)


def both(sides: Sides, more: Sides) -> Sides:
    """The sum of two paddings."""
    return tuple((a + c, b + d) for (a, b), (c, d) in zip(sides, more, strict=True))


def is_zero(sides: Sides) -> bool:
    """Whether nothing is added."""
    return not any(map(any, sides))


def is_even(sides: Sides) -> bool:
    """Whether each axis has as many cells before as after."""
    return all(before == after for before, after in sides)
