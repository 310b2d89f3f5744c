"""Tiles of an image or a volume: where they lie, what each owns, and how they are blended again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array

Window = tuple[slice, ...]


@dataclass(frozen=True)
class Tiling:
    """How an image is cut into tiles of one size, evenly along each axis.

    What is smaller than a tile is one tile, padded behind by its border. A network that gives less
    than it sees, as one of convolutions without padding, sees more than a tile: what lies about it,
    and beyond the border of the image this mirrored (Ronneberger et al., 2015, figure 2).

    Attributes:
        extents: Those of the image.
        size: Those of a tile, at least 1 along each axis: of what a network gives.
        overlap: The part of a side that two neighbours share at least, from 0 up to, but not, 1.
        seen: The extents of what the network sees, the tile in their middle; by default the tile's.
    """

    extents: tuple[int, ...]
    size: tuple[int, ...]
    overlap: float = 0.25
    seen: tuple[int, ...] = ()

    @cached_property
    def _margins(self) -> list[tuple[int, int]]:
        """What is seen before and behind a tile, along each axis."""
        wider = [
            whole - size for whole, size in zip(self.seen or self.size, self.size, strict=True)
        ]
        return [(more // 2, more - more // 2) for more in wider]

    @cached_property
    def _starts(self) -> tuple[tuple[int, ...], ...]:
        """Where tiles begin along each axis."""
        return tuple(
            _starts(extent, size, self.overlap)
            for extent, size in zip(self.extents, self.size, strict=True)
        )

    def __len__(self) -> int:
        return math.prod(map(len, self._starts))

    def windows(self) -> Iterator[Window]:
        """Where each tile lies on the image, the last axis the fastest."""
        for starts in itertools.product(*self._starts):
            yield tuple(
                slice(start, min(start + size, extent))
                for start, size, extent in zip(starts, self.size, self.extents, strict=True)
            )

    def shown(self, window: Window) -> str:
        """Where a tile lies, as NumPy is asked for it: ``[0:64, 48:112]``, ``[:, :, 7]``."""
        cells = []
        for part, extent, size in zip(window, self.extents, self.size, strict=True):
            whole = part.stop - part.start == extent
            one, many = str(part.start), ":" if whole else f"{part.start}:{part.stop}"
            cells.append(one if size == 1 else many)
        return f"[{', '.join(cells)}]"

    def cut(self, image: Array) -> Iterator[Array]:
        """What is seen of an image ``[*extents, ...]`` for each tile, ``[*seen, ...]``."""
        lacking = [
            (before, after + max(0, size - extent))
            for (before, after), size, extent in zip(
                self._margins, self.size, self.extents, strict=True
            )
        ]
        if any(map(any, lacking)):
            rest = [(0, 0)] * (image.ndim - len(lacking))
            mirrored = any(map(any, self._margins))
            image = np.pad(image, [*lacking, *rest], mode="reflect" if mirrored else "edge")
        seen = self.seen or self.size
        for starts in itertools.product(*self._starts):
            cells = zip(starts, seen, strict=True)
            yield image[tuple(slice(start, start + extent) for start, extent in cells)]

    def cut_once(self, image: Array, elsewhere: int) -> Iterator[Array]:
        """The tiles of an image ``[*extents]``, each ``[*seen]``, of which each pixel is in one.

        A pixel of several tiles is in the one that sees most about it; in the others, in what lies
        about a tile, and in what pads it, stands the value ``elsewhere``.
        """
        owned = [self._owned(axis) for axis in range(len(self.size))]
        tiles = zip(self.windows(), itertools.product(*owned), strict=True)
        for window, own in tiles:
            tile = np.full(self.seen or self.size, elsewhere, image.dtype)
            inside = zip(own, self._margins, strict=True)
            place = tuple(
                slice(before + cells.start, before + cells.stop) for cells, (before, _) in inside
            )
            tile[place] = image[window][own]
            yield tile

    def _owned(self, axis: int) -> list[slice]:
        """What each tile owns along an axis: up to the middle of what it shares."""
        starts, size, extent = self._starts[axis], self.size[axis], self.extents[axis]
        ends = [(one + size + other) // 2 for one, other in itertools.pairwise(starts)]
        bounds = [0, *ends, extent]
        return [
            slice(low - start, high - start)
            for start, (low, high) in zip(starts, itertools.pairwise(bounds), strict=True)
        ]

    @cached_property
    def _shares(self) -> list[NDArray[np.float64]]:
        """Of each axis the weight of each tile in each cell, ``[tiles, extent]``, of the sum 1."""
        found = []
        for starts, size, extent in zip(self._starts, self.size, self.extents, strict=True):
            weights = np.zeros((len(starts), extent))
            for own, start in zip(weights, starts, strict=True):
                inside = min(size, extent - start)
                cells = np.arange(inside)
                own[start : start + inside] = np.minimum(cells + 1, size - cells)
            found.append(weights / weights.sum(0))
        return found

    def shares(self) -> Iterator[Array]:
        """The weight of each tile at each of its cells on the image; those of a cell sum to 1.

        They fall off linearly to the border of a tile, so that neighbours pass into each other.
        """
        each = [list(axis) for axis in self._shares]
        for window, along in zip(self.windows(), itertools.product(*each), strict=True):
            yield _outer([line[part] for line, part in zip(along, window, strict=True)])


class Blend:
    """Tiles as they are put together again, each weighted by its share.

    Attributes:
        tiling: How the image was cut.
    """

    def __init__(self, tiling: Tiling, channels: int) -> None:
        self.tiling = tiling
        self._total = np.zeros((*tiling.extents, channels))
        self._left = zip(tiling.windows(), tiling.shares(), strict=True)

    def add(self, tile: Array) -> None:
        """Adds the next tile, ``[*size, channels]``."""
        window, share = next(self._left)
        inside = tuple(slice(0, part.stop - part.start) for part in window)
        self._total[window] += share[..., None] * tile[inside]

    def whole(self) -> NDArray[np.float32]:
        """The image ``[*extents, channels]``, once all tiles are there."""
        return self._total.astype(np.float32)


def _starts(extent: int, size: int, overlap: float) -> tuple[int, ...]:
    left = extent - size
    if left <= 0:
        return (0,)
    count = -(-left // max(1, int(size * (1 - overlap))))
    return tuple(place * left // count for place in range(count + 1))


def _outer(lines: Sequence[Any]) -> Array:
    found = np.ones(())
    for line in lines:
        found = found[..., None] * line
    return found
