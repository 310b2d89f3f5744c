"""Pools that weigh their cells: by a norm, or by a blur."""

import math

import jax
import jax.numpy as jnp
from flax import nnx


def lp_pool(x: jax.Array, p: int, window, strides) -> jax.Array:
    """The p-norm of each window."""
    sums = nnx.avg_pool(jnp.abs(x) ** p, window, strides) * math.prod(window)
    return jnp.where(sums > 0, jnp.where(sums > 0, sums, 1) ** (1 / p), 0)


def blur_pool(x: jax.Array, weights, stride) -> jax.Array:
    """Weighted sums of neighbouring cells along each axis, at strides."""
    for axis, (row, apart) in enumerate(zip(weights, stride, strict=True), start=1):
        last = (x.shape[axis] - len(row)) // apart * apart + 1
        cells = [jax.lax.slice_in_dim(x, i, i + last, apart, axis) for i in range(len(row))]
        x = sum(weight * cell for weight, cell in zip(row, cells, strict=True))
    return x
