"""The calls of the foreign functions of a batch norm, with what follows it."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

TARGET = "cnnkit_normalize_1"
GRADIENT_TARGET = "cnnkit_normalize_gradient_1"
"""The names of the foreign functions; a changed meaning is a new name, for programs are kept."""

TYPES = (jnp.float32, jnp.bfloat16)
FEWEST_ELEMENTS = 1 << 12
"""Elements of a batch below which XLA's own loop is done before the threads are called."""

Bounds = tuple[float, float]
"""Between which a rectifier brings what it is given; infinite where there is none."""


class Kept(NamedTuple):
    """What of a forward pass the backward pass is computed from.

    Attributes:
        x: What came in.
        y: What came out, where a rectifier came last.
        scale: The learnt factors [C].
        mean: The means [C], and
        rest: what their rounding to float32 took from them.
        variance: The biased variances [C].
    """

    x: Array
    y: Array | None
    scale: Array
    mean: Array
    rest: Array
    variance: Array


def gains(x: Array) -> bool:
    """Whether the extension normalizes these maps faster than XLA."""
    return x.dtype in TYPES and x.size >= FEWEST_ELEMENTS


def forward(
    x: Array, scale: Array, shift: Array, residual: Array | None, epsilon: float, bounds: Bounds
) -> tuple[Array, Array, Array, Array]:
    """clip(scale·(x − mean)/√(variance + epsilon) + shift + residual), on a CPU.

    Args:
        x: Maps [N, …, C] of float32 or bfloat16.
        scale: Factors [C], float32.
        shift: What is added to each channel [C], float32.
        residual: What is added to each element, as ``x``.
        epsilon: Added to the variance.
        bounds: Between which the result is brought.

    Returns:
        An array like ``x``; the means, what their rounding took from them, and the variances, [C].
    """
    channels = jax.ShapeDtypeStruct(scale.shape, jnp.float32)
    results = (jax.ShapeDtypeStruct(x.shape, x.dtype), channels, channels, channels)
    call = jax.ffi.ffi_call(TARGET, results, vmap_method="broadcast_all")
    y, mean, rest, variance = call(
        x, scale, shift, *_given(residual), **_attributes(epsilon, bounds)
    )
    return y, mean, rest, variance


def backward(
    kept: Kept, dy: Array, epsilon: float, bounds: Bounds, *, residual: bool
) -> tuple[Array, Array, Array, Array | None]:
    """The gradients of x, scale, shift and, where one was added, residual."""
    maps = jax.ShapeDtypeStruct(kept.x.shape, kept.x.dtype)
    channels = jax.ShapeDtypeStruct(kept.scale.shape, jnp.float32)
    rectified = any(map(math.isfinite, bounds))
    results = (maps, channels, channels, *([maps] if residual and rectified else []))
    call = jax.ffi.ffi_call(GRADIENT_TARGET, results, vmap_method="broadcast_all")
    x, y, *statistics = kept
    dx, dscale, dshift, *rest = call(
        dy, x, *statistics, *_given(y if rectified else None), **_attributes(epsilon, bounds)
    )
    passed = rest[0] if rest else dy
    return dx, dscale, dshift, passed if residual else None


def _given(value: Array | None) -> tuple[Array, ...]:
    return () if value is None else (value,)


def _attributes(epsilon: float, bounds: Bounds) -> dict[str, np.float32]:
    return {
        "epsilon": np.float32(epsilon),
        "low": np.float32(bounds[0]),
        "high": np.float32(bounds[1]),
    }
