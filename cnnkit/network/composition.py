"""The joins; what else composes layers is gone once the graph is traced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import jax.numpy as jnp
from jax import Array

from cnnkit.layers.joining import Join, Joined
from cnnkit.network.operation import Operation, Site


def _concat(*inputs: Array) -> Array:
    return jnp.concatenate(inputs, -1)


def _add(*inputs: Array) -> Array:
    return reduce(jnp.add, inputs)


def _mean(*inputs: Array) -> Array:
    return _add(*inputs) / len(inputs)


def _maximum(*inputs: Array) -> Array:
    return reduce(jnp.maximum, inputs)


def _multiply(*inputs: Array) -> Array:
    """The product, vectors being maps of one cell."""
    rank = max(each.ndim for each in inputs)
    maps = [
        each.reshape((each.shape[0], *(1,) * (rank - each.ndim), *each.shape[1:]))
        for each in inputs
    ]
    return reduce(jnp.multiply, maps)


JOINS: dict[Join, Callable[..., Array]] = {
    "concat": _concat,
    "add": _add,
    "mean": _mean,
    "maximum": _maximum,
    "multiply": _multiply,
}


@dataclass(frozen=True)
class Joining:
    """Several tensors made one."""

    by: Join

    def __call__(self, *inputs: Array) -> Array:
        """Arrays [N, …] to one."""
        return JOINS[self.by](*inputs)


def joined(site: Site[Joined]) -> Operation:
    """The join of a residual, of branches, or of saved tensors."""
    return Joining(site.layer.by)
