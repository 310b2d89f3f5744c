"""Activations: functions of ``jax.nn``, the maximum of pieces, and a learnt slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from cnnkit import layers
from cnnkit.layers.base import Layer
from cnnkit.layers.gating import Gate
from cnnkit.network import rectifiers
from cnnkit.network.initialization import filled
from cnnkit.network.operation import Builder, BuildSite, Computation


def _quick_gelu(x: Array) -> Array:
    return x * jax.nn.sigmoid(1.702 * x)


def _tanhshrink(x: Array) -> Array:
    return x - jnp.tanh(x)


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
    "softsign": jax.checkpoint(jax.nn.soft_sign),
    "quick_gelu": jax.checkpoint(_quick_gelu),
    "log_sigmoid": rectifiers.log_sigmoid,
    "tanhshrink": jax.checkpoint(_tanhshrink),
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


def plain(site: BuildSite[Layer]) -> Computation:
    """An activation without fields."""
    return Function(FUNCTIONS[site.layer.kind])


def leaky_relu(site: BuildSite[layers.LeakyRelu]) -> Computation:
    """A rectifier that lets a part of negative values through."""
    slope = site.layer.slope
    return Function(jax.nn.leaky_relu if slope < 0 else rectifiers.leaky_relu, (slope,))


def elu(site: BuildSite[layers.Elu]) -> Computation:
    """A rectifier with an exponential below 0."""
    alpha = site.layer.alpha
    return Function(jax.nn.elu if alpha < 0 else rectifiers.elu, (alpha,))


def celu(site: BuildSite[layers.Celu]) -> Computation:
    """A rectifier with an exponential below 0, smooth at 0."""
    return Function(rectifiers.celu, (site.layer.alpha,))


def hard_tanh(site: BuildSite[layers.HardTanh]) -> Computation:
    """The input brought between two numbers."""
    return Function(rectifiers.hard_tanh, (site.layer.minimum, site.layer.maximum))


def softshrink(site: BuildSite[layers.Softshrink]) -> Computation:
    """The input brought nearer to 0."""
    return Function(rectifiers.softshrink, (site.layer.threshold,))


def hard_shrink(site: BuildSite[layers.HardShrink]) -> Computation:
    """Small values made 0."""
    return Function(rectifiers.hard_shrink, (site.layer.threshold,))


def _above(x: Array, threshold: float, value: float) -> Array:
    return jnp.where(x > threshold, x, value)


def threshold(site: BuildSite[layers.Threshold]) -> Computation:
    """The input where it is above a number, else another number."""
    return Function(_above, (site.layer.threshold, site.layer.value))


def _power(x: Array, exponent: float) -> Array:
    # A whole exponent as such: its gradient is a power of negative numbers too.
    return x ** (int(exponent) if float(exponent).is_integer() else exponent)


def power(site: BuildSite[layers.Power]) -> Computation:
    """A power of the input."""
    return Function(_power, (site.layer.exponent,))


def over_axis(site: BuildSite[layers.Softmax | layers.LogSoftmax]) -> Computation:
    """A function of all channels, or of all cells along an axis."""
    layer = site.layer
    if layer.over == "channels":
        return plain(site)
    return Function(FUNCTIONS[layer.kind], (layer.over + 1,))


GATES: dict[Gate, Callable[[Array], Array]] = {
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "linear": lambda x: x,
}


@partial(jax.checkpoint, static_argnums=(1,))
def _gated(x: Array, gate: Gate) -> Array:
    value, control = jnp.split(x, 2, -1)
    return value * GATES[gate](control)


def glu(site: BuildSite[layers.Glu]) -> Computation:
    """Half of the channels times a gate of the others."""
    return Function(_gated, (site.layer.gate,))


_GELU = jax.checkpoint(jax.nn.gelu, static_argnums=(1,))


def gelu(site: BuildSite[layers.Gelu]) -> Computation:
    """The input times the normal distribution function."""
    return Function(_GELU, (site.layer.approximate,))


def _identity(x: Array) -> Array:
    return x


def linear(site: BuildSite[Layer]) -> Computation:
    """The identity."""
    del site
    return Function(_identity)


class Prelu(nnx.Module):
    """A leaky rectifier whose slopes are learnt; Flax's has one for all."""

    def __init__(self, site: BuildSite[layers.Prelu]) -> None:
        (slope,) = site.node.effect.weights
        self.slope = nnx.Param(filled(slope.shape, site.layer.init))

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        return jnp.where(x >= 0, x, self.slope[...].astype(x.dtype) * x)


def prelu(site: BuildSite[layers.Prelu]) -> Computation:
    """Learnt slopes."""
    return Prelu(site)


def _maximum_of_pieces(x: Array, pieces: int) -> Array:
    return jnp.max(x.reshape((*x.shape[:-1], -1, pieces)), -1)


def maxout(site: BuildSite[layers.Maxout]) -> Computation:
    """The maximum over groups of adjacent channels."""
    return Function(_maximum_of_pieces, (site.layer.pieces,))


BUILDERS: dict[str, Builder] = {
    **dict.fromkeys(FUNCTIONS, plain),
    "softmax": over_axis,
    "log_softmax": over_axis,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "celu": celu,
    "hard_tanh": hard_tanh,
    "softshrink": softshrink,
    "hard_shrink": hard_shrink,
    "threshold": threshold,
    "power": power,
    "glu": glu,
    "linear": linear,
    "prelu": prelu,
    "maxout": maxout,
}
