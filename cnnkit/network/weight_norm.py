"""Weights that are normalized before they are used: filter by filter, or all of a layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

from cnnkit.layers.weighted import VARIANCE_EPSILON, Weighted

_LEAST_NORM = 1e-12
_FIRST_STEPS = 15  # of the power method before training, as in PyTorch


@dataclass(frozen=True)
class WeightNorm:
    """How the kernel that a layer works with comes of the one that it learns.

    Attributes:
        kind: The value of the field ``weight_norm``.
        unshared: How many leading axes of the kernel are positions with filters of their own.
        learnt: Whether the kernel is trained.
    """

    kind: str
    unshared: int = 0
    learnt: bool = True

    def gain(self, kernel: Array) -> Array:
        """The factor of each filter at the start, [*positions, filters]."""
        axes = self._axes(kernel)
        if self.kind == "weight_norm":
            return jnp.sqrt(jnp.square(kernel).sum(axes))
        return jnp.ones((*kernel.shape[: self.unshared], kernel.shape[-1]))

    def kernel(self, module: Any) -> Array:
        """The kernel that a module works with, in float32."""
        kernel: Array = module.kernel[...]
        if self.kind == "none":
            return kernel
        if self.kind == "spectral_norm":
            return kernel / largest_value(kernel, module.u[...], module.v[...])
        axes = self._axes(kernel)
        if self.kind == "weight_norm":
            factor = lax.rsqrt(jnp.square(kernel).sum(axes, keepdims=True))
        else:
            kernel = kernel - kernel.mean(axes, keepdims=True)
            variance = jnp.square(kernel).mean(axes, keepdims=True)
            factor = lax.rsqrt(variance + VARIANCE_EPSILON)
        if self.kind == "scaled_standardize":
            factor = factor / math.sqrt(math.prod(kernel.shape[axis] for axis in axes))
        if self.kind != "standardize":
            factor = factor * jnp.expand_dims(module.gain[...], axes)
        return kernel * factor

    def move(self, module: Any, *, train: bool) -> None:
        """Makes the vectors of a module that is trained better by a step of the power method."""
        if train and self.learnt and self.kind == "spectral_norm":
            u, v = lax.stop_gradient(power_step(module.kernel[...], module.v[...]))
            module.u.set_value(u)
            module.v.set_value(v)

    def _axes(self, kernel: Array) -> tuple[int, ...]:
        """Those of a filter's weights: its cells and the channels that it reads."""
        return tuple(range(self.unshared, kernel.ndim - 1))


def normalized(module: Any, layer: Weighted, rngs: nnx.Rngs, unshared: int = 0) -> WeightNorm:
    """How a module, whose kernel is drawn, normalizes it; the module gets what that needs.

    Args:
        module: Changed in place.
        layer: The layer that it is of.
        rngs: The source of the vectors that a spectral norm begins with.
        unshared: As of a ``WeightNorm``.
    """
    norm = WeightNorm(layer.weight_norm, unshared, layer.learnt)
    if layer.has_gain:
        module.gain = nnx.Param(norm.gain(module.kernel[...]))
    if layer.weight_norm == "spectral_norm":
        kernel = module.kernel[...]
        v = jax.random.normal(rngs.params(), kernel.shape[:-1])
        u, v = lax.fori_loop(
            0,
            _FIRST_STEPS,
            lambda _, vectors: power_step(kernel, vectors[1]),
            (jnp.zeros(kernel.shape[-1]), _unit(v)),
        )
        module.u, module.v = nnx.BatchStat(u), nnx.BatchStat(v)
    return norm


def power_step(kernel: Array, v: Array) -> tuple[Array, Array]:
    """The singular vectors of a kernel after a step of the power method.

    Args:
        kernel: [*cells, channels, filters], a matrix from what a filter reads to the filters.
        v: The vector of what a filter reads, [*cells, channels], of length 1.

    Returns:
        That of the filters, [filters], and ``v``, both of length 1.
    """
    # Sums of products, for a matrix product may be rounded further.
    u = _unit((kernel * v[..., None]).sum(tuple(range(v.ndim))))
    return u, _unit((kernel * u).sum(-1))


def largest_value(kernel: Array, u: Array, v: Array) -> Array:
    """The largest singular value, as far as the vectors of ``power_step`` are good."""
    return ((kernel * u).sum(-1) * v).sum()


def _unit(vector: Array) -> Array:
    return vector / jnp.maximum(jnp.sqrt(jnp.square(vector).sum()), _LEAST_NORM)
