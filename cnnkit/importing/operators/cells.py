"""Channels that become the cells of a block, and cells that become channels, as views show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cnnkit.importing.operators.view import Atom, Axis
from cnnkit.layers.shape import Shape


class Cells(NamedTuple):
    """A rearrangement of a map.

    Attributes:
        kind: `depth_to_space` or `space_to_depth`.
        block: The cells along each axis that a block has.
        groups: The groups of the channel shuffle ahead of it, that of PyTorch's order; 1 of none.
    """

    kind: str
    block: tuple[int, ...]
    groups: int = 1


def cells_of(shape: Shape, wanted: Sequence[Axis]) -> Cells | None:
    """How axes are rearranged from those of a map, where blocks of cells say so.

    Args:
        shape: The map's, channels last.
        wanted: The axes in our order, channels last, as parts of the map's.
    """
    if len(shape) != len(wanted) or len(shape) < 2:
        return None
    *extents, channels = shape
    depth = len(shape) - 1
    sizes = [math.prod(atom.size for atom in axis) for axis in wanted]
    larger = [size // extent for size, extent in zip(sizes, extents, strict=False)]
    if math.prod(larger) > 1 and sizes[-1] * math.prod(larger) == channels:
        for ours in (True, False):
            apart = [
                math.prod(larger[at + 1 :]) * (sizes[-1] if ours else 1) for at in range(depth)
            ]
            spatial = [
                _axis((at, 1, extent), (depth, apart[at], larger[at]))
                for at, extent in enumerate(extents)
            ]
            stride = 1 if ours else math.prod(larger)
            if [*spatial, _axis((depth, stride, sizes[-1]))] == [*wanted]:
                return Cells("depth_to_space", tuple(larger), 1 if ours else sizes[-1])
    smaller = [extent // size for size, extent in zip(sizes, extents, strict=False)]
    block = [(at, 1, size) for at, size in enumerate(smaller)]
    spatial = [_axis((at, size, sizes[at])) for at, size in enumerate(smaller)]
    if math.prod(smaller) > 1 and [*spatial, _axis(*block, (depth, 1, channels))] == [*wanted]:
        return Cells("space_to_depth", tuple(smaller))
    return None


def _axis(*atoms: tuple[int, int, int]) -> Axis:
    return tuple(Atom(*atom) for atom in atoms if atom[2] > 1)
