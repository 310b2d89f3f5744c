"""Standardizing sets of elements, with a gradient that keeps the input alone.

With u = (x − mean)·r, r = 1/√(variance + epsilon), y = scale·u + shift and the gradient g of
scale·u, that of x is r·(g − mean(g) − u·mean(g·u)), the means over the set (Ioffe and Szegedy,
2015, section 3). JAX's own derivation keeps several tensors as large as x.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

from cnnkit.network import kernels

Axes = tuple[int, ...]
Kept = tuple[Array, Array, Array, Array]


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def standardize(x: Array, scale: Array, shift: Array, over: Axes, epsilon: float) -> Array:
    """scale·(x − mean)/√(variance + epsilon) + shift, computed in float32.

    Args:
        x: The elements, [N, …, groups, channels of a group].
        scale: Factors, [groups, channels of a group].
        shift: What is added, of the same shape.
        over: The axes of a set.
        epsilon: Added to the variance.

    Returns:
        An array of the shape and type of ``x``.
    """
    return _forward(x, scale, shift, over, epsilon)[0]


def _forward(
    x: Array, scale: Array, shift: Array, over: Axes, epsilon: float
) -> tuple[Array, Kept]:
    mean, variance = (jnp.expand_dims(each, over) for each in kernels.moments(x, over))
    factor = lax.rsqrt(variance + epsilon)
    y = x * (factor * scale) + (shift - mean * (factor * scale))
    return y.astype(x.dtype), (x, scale, mean, factor)


def _backward(over: Axes, epsilon: float, kept: Kept, ct: Array) -> tuple[Array, Array, Array]:
    del epsilon
    # The barrier keeps XLA from taking what the forward pass computed, and so from keeping it.
    x, scale, mean, factor = lax.optimization_barrier(kept)
    ct = ct.astype(mean.dtype)
    unit = (x - mean) * factor
    others = tuple(range(x.ndim - 2))  # all but the axes of the scale
    inner = ct * scale
    centred = inner - inner.mean(over, keepdims=True)
    dx = factor * (centred - unit * (inner * unit).mean(over, keepdims=True))
    return dx.astype(x.dtype), (ct * unit).sum(others), ct.sum(others)


standardize.defvjp(_forward, _backward)
