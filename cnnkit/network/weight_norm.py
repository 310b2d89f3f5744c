"""Weights that are normalized before they are used, filter by filter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

from cnnkit.layers.weighted import VARIANCE_EPSILON, Weighted


@dataclass(frozen=True)
class WeightNorm:
    """How the kernel that a layer works with comes of the one that it learns.

    Attributes:
        kind: The value of the field ``weight_norm``.
        unshared: How many leading axes of the kernel are positions with filters of their own.
    """

    kind: str
    unshared: int = 0

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

    def _axes(self, kernel: Array) -> tuple[int, ...]:
        """Those of a filter's weights: its cells and the channels that it reads."""
        return tuple(range(self.unshared, kernel.ndim - 1))


def normalized(module: Any, layer: Weighted, unshared: int = 0) -> WeightNorm:
    """How a module, whose kernel is drawn, normalizes it; the module gets the gain of its filters.

    Args:
        module: Changed in place.
        layer: The layer that it is of.
        unshared: As of a ``WeightNorm``.
    """
    norm = WeightNorm(layer.weight_norm, unshared)
    if layer.has_gain:
        module.gain = nnx.Param(norm.gain(module.kernel[...]))
    return norm
