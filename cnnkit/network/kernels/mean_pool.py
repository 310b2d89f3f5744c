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
    overlap = any(extent > step for extent, step in zip(size, stride, strict=True))
    total = (_axis_by_axis if overlap else _at_once)(x.astype(jnp.float32), size, stride, padding)
    return (total / cell_counts(x.shape[1:-1], size, stride, padding, counted)).astype(x.dtype)


def _at_once(x: Array, size: Sizes, stride: Sizes, padding: Padding) -> Array:
    maps = cells(x, size, stride, padding, jnp.zeros((), x.dtype))
    return sum(maps[1:], maps[0])


def _axis_by_axis(x: Array, size: Sizes, stride: Sizes, padding: Padding) -> Array:
    """The sums of windows that share cells: of 3x3 cells 3 + 3 maps are added, not 9."""
    for axis in range(len(size)):
        sizes, steps, paddings = [1] * len(size), [1] * len(size), [(0, 0)] * len(size)
        sizes[axis], steps[axis], paddings[axis] = size[axis], stride[axis], padding[axis]
        x = _at_once(x, sizes, steps, paddings)
    return x
