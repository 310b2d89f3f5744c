"""A node of the graph as what builds or writes it is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from cnnkit.layers.base import Layer
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window
from cnnkit.spec.graph import Node

LayerT = TypeVar("LayerT", bound=Layer, covariant=True)


@dataclass(frozen=True, slots=True)
class Site(Generic[LayerT]):
    """A node that is to be built or written.

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
