"""How long the sides of a map are drawn: by the logarithm of its extents, or to scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnkit.layers.shape import Shape

Point = tuple[int, int]
Outline = tuple[Point, ...]
"""The corners of a face, one after the other."""

_TALLEST = 132
_DEEPEST = 60
_SHORTEST = 2
_OFFSET = 4
_THIN = 14


@dataclass(frozen=True, slots=True)
class MapScale:
    """What a map's stack looks like.

    Attributes:
        extent: The largest spatial extent of the network; 0 for logarithms.
        channels: The most channels of a map.
        units: The longest vector.
    """

    extent: int = 0
    channels: int = 0
    units: int = 0

    def size(self, shape: Shape | None) -> Point:
        """Width and height of the stack."""
        width, height = self._front(shape)
        return width + self._spread(shape), height + self._spread(shape)

    def outlines(self, shape: Shape | None) -> list[Outline]:
        """What is seen of the stack: its front, and behind it edges or, to scale, two sides."""
        width, height = self._front(shape)
        spread = self._spread(shape)
        front = ((0, spread), (width, spread), (width, spread + height), (0, spread + height))
        if self.extent and spread:
            top = ((0, spread), (spread, 0), (width + spread, 0), (width, spread))
            side = (
                (width, spread), (width + spread, 0), (width + spread, height),
                (width, spread + height),
            )  # fmt: skip
            return [front, top, side]
        edges = [self._edge(width, height, spread, step) for step in range(0, spread, _OFFSET)]
        return [front, *edges]

    @staticmethod
    def _edge(width: int, height: int, spread: int, step: int) -> Outline:
        """What a map shows behind the one before it: a strip above and one on the right."""
        x, y = step + _OFFSET, spread - step - _OFFSET
        return (
            (x, y + _OFFSET), (x, y), (x + width, y), (x + width, y + height),
            (x + width - _OFFSET, y + height), (x + width - _OFFSET, y + _OFFSET),
        )  # fmt: skip

    def _front(self, shape: Shape | None) -> Point:
        if shape is None:
            return 48, 48
        if len(shape) == 1:
            return _THIN, self._length(shape[0], self.units)
        if len(shape) == 2:
            return self._length(shape[0], self.extent), _THIN
        return self._length(shape[-2], self.extent), self._length(shape[-3], self.extent)

    def _spread(self, shape: Shape | None) -> int:
        """How far the last of the channels lies behind the first."""
        if shape is None or len(shape) == 1:
            return 0
        if self.extent:
            return max(round(_DEEPEST * shape[-1] / self.channels), 1)
        if shape[-1] == 1:
            return 0
        return _OFFSET * (min(1 + shape[-1].bit_length(), 14) - 1)

    @staticmethod
    def _length(extent: int, longest: int) -> int:
        if longest:
            return max(round(_TALLEST * extent / longest), _SHORTEST)
        return min(12 + round(13 * math.log2(extent)), _TALLEST)


LOGARITHMIC = MapScale()
"""Large maps and small ones in one picture."""
