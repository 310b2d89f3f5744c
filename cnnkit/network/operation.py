"""What a node of the graph becomes: an operation on arrays, and what its builder is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from cnnkit.spec.site import LayerT, Site


class Mode(NamedTuple):
    """How the network is run.

    Attributes:
        train: Whether to train: noise, and the statistics of the batch.
        key: The source of this operation's noise; None where there is none.
        parts: The equal parts of the batch, in order, of which each has statistics of its own.
    """

    train: bool
    key: Array | None
    parts: int = 1


@runtime_checkable
class ModeAware(Protocol):
    """An operation that differs in training; it is called by this method instead."""

    def in_mode(self, *inputs: Any) -> Array:
        """The output, from the inputs and the ``Mode`` that the network runs in."""


Computation: TypeAlias = Callable[..., Any] | ModeAware
"""Batches of the node's inputs, [N, *shape], to the batch that goes out.

An ``nnx.Module`` where the node has weights, otherwise a function or a frozen value, so that two
networks built from one spec are equal in all but their arrays.
"""


@dataclass(frozen=True, slots=True)
class BuildSite(Site[LayerT]):
    """A node that is to be built, and what its weights come from.

    Attributes:
        follower: The kind of activation that follows, which the initial weights suit.
        dtype: What to compute in; weights are float32.
        rngs: The source of the initial weights.
    """

    follower: str | None
    dtype: DTypeLike
    rngs: nnx.Rngs


class Frozen(nnx.BatchStat[Any]):
    """A weight that is not learnt: it is kept with the running statistics, and has no gradient."""


def frozen(operation: Computation) -> Computation:
    """An operation, changed in place, none of whose weights is learnt."""
    for name, value in list(vars(operation).items()):
        if isinstance(value, nnx.Param):
            setattr(operation, name, Frozen(value[...]))
    return operation


Builder: TypeAlias = Callable[[BuildSite[Any]], Computation]
