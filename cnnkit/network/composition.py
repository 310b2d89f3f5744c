"""The joins; what else composes layers is gone once the graph is traced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import jax.numpy as jnp
from jax import Array

from cnnkit.layers.joining import Join, Joined
from cnnkit.network.operation import BuildSite, Computation


def _add(*inputs: Array) -> Array:
    return reduce(jnp.add, inputs)


def _subtract(*inputs: Array) -> Array:
    return reduce(jnp.subtract, inputs)


def _mean(*inputs: Array) -> Array:
    return _add(*inputs) / len(inputs)


def _maximum(*inputs: Array) -> Array:
    return reduce(jnp.maximum, inputs)


def _minimum(*inputs: Array) -> Array:
    return reduce(jnp.minimum, inputs)


def _as_maps(inputs: tuple[Array, ...]) -> list[Array]:
    """Vectors as maps of one cell."""
    rank = max(each.ndim for each in inputs)
    return [
        each.reshape((each.shape[0], *(1,) * (rank - each.ndim), *each.shape[1:]))
        for each in inputs
    ]


def _multiply(*inputs: Array) -> Array:
    return reduce(jnp.multiply, _as_maps(inputs))


def _divide(*inputs: Array) -> Array:
    return reduce(jnp.divide, _as_maps(inputs))


JOINS: dict[Join, Callable[..., Array]] = {
    "add": _add,
    "subtract": _subtract,
    "mean": _mean,
    "maximum": _maximum,
    "minimum": _minimum,
    "multiply": _multiply,
    "divide": _divide,
}
"""The joins element by element."""


@dataclass(frozen=True)
class Concatenation:
    """Several tensors one after the other along an axis of the array."""

    axis: int

    def __call__(self, *inputs: Array) -> Array:
        """Arrays [N, …] to one."""
        return jnp.concatenate(inputs, self.axis)


@dataclass(frozen=True)
class Joining:
    """Several tensors made one, element by element."""

    by: Join

    def __call__(self, *inputs: Array) -> Array:
        """Arrays [N, …] to one."""
        return JOINS[self.by](*inputs)


def joined(site: BuildSite[Joined]) -> Computation:
    """The join of a residual, of branches, or of saved tensors."""
    by, axis = site.layer.by, site.layer.axis
    if by == "concat":
        return Concatenation(-1 if axis == "channels" else axis + 1)
    return Joining(by)
