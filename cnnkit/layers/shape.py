"""Shapes, and counts as sums of products."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Shape = tuple[int, ...]
"""Extents of the spatial axes, then the channels: ``(32, 32, 3)``; a vector is ``(150,)``."""

Terms = tuple[tuple[int, ...], ...]
"""A number as a sum of products, ``((3, 7, 7, 3), (3,))`` for 3·7·7·3 + 3.

Counts are kept like this so that the number and its derivation on the board are one value.
"""


def total(terms: Terms) -> int:
    """The value of a sum of products: ``total(((3, 7, 7, 3), (3,))) == 444``."""
    return sum(map(math.prod, terms))


def show(shape: Sequence[int]) -> str:
    """A shape as users write it: ``32x32x3``."""
    return "x".join(map(str, shape))


def show_each(shapes: Mapping[str, Shape | None]) -> str:
    """A shape, or where there are several each with its name: ``image 32x32x3, depth 32x32x1``."""
    listed = {name: show(shape) if shape else "?" for name, shape in shapes.items()}
    if len(listed) == 1:
        return next(iter(listed.values()))
    return ", ".join(f"{name} {shape}" for name, shape in listed.items())
