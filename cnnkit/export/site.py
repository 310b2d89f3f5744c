"""A node that is to be written, and its geometry as all targets write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cnnkit.export.outline import Expression
from cnnkit.layers.base import Layer
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window
from cnnkit.spec.graph import Node

Sides = tuple[tuple[int, int], ...]
LayerT = TypeVar("LayerT", bound=Layer)


@dataclass(frozen=True, slots=True)
class Site(Generic[LayerT]):
    """A node that is to be written.

    Attributes:
        layer: The layer's model.
        node: The node as the analysis sees it.
        shapes: The shapes that come in, without the batch.
    """

    layer: LayerT
    node: Node
    shapes: tuple[Shape, ...]

    @property
    def shape(self) -> Shape:
        """The shape of the first input."""
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """The spatial axes of the first input."""
        return len(self.shape) - 1

    @property
    def channels(self) -> int:
        """The channels of the first input."""
        return self.shape[-1]

    @property
    def output(self) -> Shape:
        """The shape that goes out."""
        return self.node.output or ()

    @property
    def windows(self) -> tuple[Window, ...]:
        """The sliding windows of a convolution or pool."""
        return tuple(window for window in self.node.effect.windows if isinstance(window, Window))

    @property
    def transposed(self) -> tuple[TransposedWindow, ...]:
        """The windows of a transposed convolution."""
        windows = self.node.effect.windows
        return tuple(window for window in windows if isinstance(window, TransposedWindow))

    @property
    def block(self) -> tuple[int, ...]:
        """The cells along each axis that a rearrangement makes of one, or one of them."""
        pairs = zip(self.shape[:-1], self.output[:-1], strict=True)
        return tuple(max(pair) // min(pair) for pair in pairs)


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
