"""Activations: functions of ``jax.nn``, the maximum of pieces, and a learnt slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from cnnkit import layers
from cnnkit.layers.base import Layer
from cnnkit.network import rectifiers
from cnnkit.network.operation import Builder, Operation, Site

# `jax.checkpoint` keeps the input alone for the gradient: what lies between is computed again.
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "relu": rectifiers.relu,
    "relu6": rectifiers.relu6,
    "selu": rectifiers.selu,
    "silu": jax.checkpoint(jax.nn.silu),
    "mish": jax.checkpoint(jax.nn.mish),
    "sigmoid": rectifiers.sigmoid,
    "hard_sigmoid": jax.checkpoint(jax.nn.hard_sigmoid),
    "hard_silu": jax.checkpoint(jax.nn.hard_silu),
    "tanh": rectifiers.tanh,
    "softplus": jax.checkpoint(jax.nn.softplus),
    "softmax": jax.nn.softmax,  # over the last axis, the channels
    "log_softmax": jax.nn.log_softmax,
}
"""The activations without fields."""


@dataclass(frozen=True)
class Function:
    """A function with fields of a layer as its further arguments."""

    function: Callable[..., Array]
    arguments: tuple[Any, ...] = ()

    def __call__(self, x: Array) -> Array:
        """An array of any shape to one of the same shape."""
        return self.function(x, *self.arguments)


def plain(site: Site[Layer]) -> Operation:
    """An activation without fields."""
    return Function(FUNCTIONS[site.layer.kind])


def leaky_relu(site: Site[layers.LeakyRelu]) -> Operation:
    """A rectifier that lets a part of negative values through."""
    slope = site.layer.slope
    return Function(jax.nn.leaky_relu if slope < 0 else rectifiers.leaky_relu, (slope,))


def elu(site: Site[layers.Elu]) -> Operation:
    """A rectifier with an exponential below 0."""
    alpha = site.layer.alpha
    return Function(jax.nn.elu if alpha < 0 else rectifiers.elu, (alpha,))


_GELU = jax.checkpoint(jax.nn.gelu, static_argnums=(1,))


def gelu(site: Site[layers.Gelu]) -> Operation:
    """The input times the normal distribution function."""
    return Function(_GELU, (site.layer.approximate,))


def _identity(x: Array) -> Array:
    return x


def linear(site: Site[Layer]) -> Operation:
    """The identity."""
    del site
    return Function(_identity)


class Prelu(nnx.Module):
    """A leaky rectifier whose slope is learnt, one a channel; Flax's has one for all."""

    def __init__(self, site: Site[layers.Prelu]) -> None:
        self.slope = nnx.Param(jnp.full(site.channels, site.layer.init, jnp.float32))

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        return jnp.where(x >= 0, x, self.slope[...].astype(x.dtype) * x)


def prelu(site: Site[layers.Prelu]) -> Operation:
    """A learnt slope a channel."""
    return Prelu(site)


def _maximum_of_pieces(x: Array, pieces: int) -> Array:
    return jnp.max(x.reshape((*x.shape[:-1], -1, pieces)), -1)


def maxout(site: Site[layers.Maxout]) -> Operation:
    """The maximum over groups of adjacent channels."""
    return Function(_maximum_of_pieces, (site.layer.pieces,))


BUILDERS: dict[str, Builder] = {
    **dict.fromkeys(FUNCTIONS, plain),
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "linear": linear,
    "prelu": prelu,
    "maxout": maxout,
}
