"""What a node of the graph becomes: an operation on arrays, and what its builder is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from cnnkit.layers.base import Layer
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import Node

LayerT = TypeVar("LayerT", bound=Layer, covariant=True)


class Mode(NamedTuple):
    """How the network is run.

    Attributes:
        train: Whether to train: noise, and the statistics of the batch.
        key: The source of this operation's noise; None where there is none.
    """

    train: bool
    key: Array | None


@runtime_checkable
class ModeAware(Protocol):
    """An operation that differs in training; it is called by this method instead."""

    def in_mode(self, *inputs: Any) -> Array:
        """The output, from the inputs and the ``Mode`` that the network runs in."""


Operation: TypeAlias = Callable[..., Any] | ModeAware
"""Batches of the node's inputs, [N, *shape], to the batch that goes out.

An ``nnx.Module`` where the node has weights, otherwise a function or a frozen value, so that two
networks built from one spec are equal in all but their arrays.
"""


@dataclass(frozen=True)
class Site(Generic[LayerT]):
    """A node that is to be built.

    Attributes:
        layer: The layer's model.
        inputs: The shapes that come in, without the batch.
        node: The node as the analysis sees it.
        follower: The kind of activation that follows, which the initial weights suit.
        dtype: What to compute in; weights are float32.
        rngs: The source of the initial weights.
    """

    layer: LayerT
    inputs: tuple[Shape, ...]
    node: Node
    follower: str | None
    dtype: DTypeLike
    rngs: nnx.Rngs

    @property
    def channels(self) -> int:
        """The channels of the first input."""
        return self.inputs[0][-1]

    @property
    def rank(self) -> int:
        """The spatial axes of the first input."""
        return len(self.inputs[0]) - 1


Builder: TypeAlias = Callable[[Site[Any]], Operation]
