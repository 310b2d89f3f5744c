"""Layers that no kind names: the use of a block, and a layer that could not be read."""

from __future__ import annotations

from typing import Annotated

from pydantic import InstanceOf, Strict
from typing_extensions import override

from cnnkit.layers.base import Layer, Tensor, Trace


class Block(Layer):
    """The expansion of a block of `blocks:` where it is used."""

    family = "composition"

    block: str
    layers: Annotated[tuple[InstanceOf[Layer], ...], Strict(False)]

    @property
    @override
    def title(self) -> str:
        return self.block

    @override
    def segment(self, index: int) -> str:
        return f"{super().segment(index)}.{self.block}"

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        return graph.sequence("layers", self.layers, x)


class UnreadableLayer(Layer):
    """A layer with a fault in the text: what it gives, and all after it, is unknown."""

    word: str

    @property
    @override
    def title(self) -> str:
        return self.word

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        return Tensor(x.node, None)
