"""Mean pooling as a sum of shifted maps, which XLA makes one loop of."""

from __future__ import annotations

from math import prod

import jax.numpy as jnp
from jax import Array

from cnnkit.network.kernels import plain
from cnnkit.network.kernels.choice import is_plain
from cnnkit.network.kernels.max_pool import MANY_CHANNELS, MOST_CELLS, cells
from cnnkit.network.kernels.plain import Padding, Sizes, cell_counts


def mean_pool(
    x: Array, size: Sizes, stride: Sizes, padding: Padding, counted: Padding | None = None
) -> Array:
    """As ``plain.mean_pool``."""
    if is_plain() or prod(size) > MOST_CELLS or x.shape[-1] < MANY_CHANNELS or 0 in x.shape:
        return plain.mean_pool(x, size, stride, padding, counted)
    zero = jnp.zeros((), jnp.float32)
    maps = cells(x.astype(jnp.float32), size, stride, padding, zero)
    total = sum(maps[1:], maps[0])
    return (total / cell_counts(x.shape[1:-1], size, stride, padding, counted)).astype(x.dtype)
