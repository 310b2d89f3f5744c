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
    return _from_channels(shape, wanted) or _to_channels(shape, wanted)


def _from_channels(shape: Shape, wanted: Sequence[Axis]) -> Cells | None:
    """A `depth_to_space`, the channels of a cell in either order."""
    *extents, channels = shape
    *sizes, left = _sizes(wanted)
    block = [size // extent for size, extent in zip(sizes, extents, strict=True)]
    count = math.prod(block)
    if count < 2 or left * count != channels or not _cuts(extents, block):
        return None
    for outside, stride, groups in ((left, 1, 1), (1, count, left)):
        spatial = [
            _axis((at, 1, extent), (len(sizes), math.prod(block[at + 1 :]) * outside, block[at]))
            for at, extent in enumerate(extents)
        ]
        if [*spatial, _axis((len(sizes), stride, left))] == [*wanted]:
            return Cells("depth_to_space", tuple(block), groups)
    return None


def _to_channels(shape: Shape, wanted: Sequence[Axis]) -> Cells | None:
    """A `space_to_depth`."""
    *extents, channels = shape
    *sizes, _ = _sizes(wanted)
    block = [extent // size for size, extent in zip(sizes, extents, strict=True)]
    if math.prod(block) < 2 or not _cuts(sizes, block):
        return None
    spatial = [_axis((at, by, sizes[at])) for at, by in enumerate(block)]
    cells = [(at, 1, by) for at, by in enumerate(block)]
    whole = _axis(*cells, (len(sizes), 1, channels))
    return Cells("space_to_depth", tuple(block)) if [*spatial, whole] == [*wanted] else None


def _sizes(axes: Sequence[Axis]) -> list[int]:
    return [math.prod(atom.size for atom in axis) for axis in axes]


def _cuts(extents: Sequence[int], block: Sequence[int]) -> bool:
    """Whether blocks are along axes that have cells: else an axis was only moved."""
    return all(extent > 1 for extent, by in zip(extents, block, strict=True) if by > 1)


def _axis(*atoms: tuple[int, int, int]) -> Axis:
    return tuple(Atom(*atom) for atom in atoms if atom[2] > 1)
