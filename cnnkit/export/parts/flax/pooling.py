"""Pools that the framework lacks."""

import math

import jax
import jax.numpy as jnp


def dilated_max_pool(x: jax.Array, size, strides, dilation, padding) -> jax.Array:
    """The maximum of windows whose cells lie `dilation` apart."""
    return jax.lax.reduce_window(
        x,
        -jnp.inf,
        jax.lax.max,
        (1, *size, 1),
        (1, *strides, 1),
        ((0, 0), *padding, (0, 0)),
        window_dilation=(1, *dilation, 1),
    )


def adaptive_pool(x: jax.Array, output: tuple[int, ...], reduce) -> jax.Array:
    """Reduces the windows [floor(i*D/O), ceil((i + 1)*D/O)) of each axis."""
    for axis, count in enumerate(output, start=1):
        extent = x.shape[axis]
        bounds = [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]
        windows = [jax.lax.slice_in_dim(x, a, b, axis=axis) for a, b in bounds]
        x = jnp.concatenate([reduce(w, axis=axis, keepdims=True) for w in windows], axis)
    return x


def max_unpool(x: jax.Array, pooled: jax.Array, size: tuple[int, ...]) -> jax.Array:
    """Each value to where its window of the pooled maps has its maximum, the first of many."""
    few, rank, count = x.shape[1:-1], len(size), math.prod(size)
    covered = [n * k for n, k in zip(few, size, strict=True)]
    apart = [n for pair in zip(few, size, strict=True) for n in pair]
    order = [0, *range(1, 2 * rank, 2), 2 * rank + 1, *range(2, 2 * rank + 1, 2)]
    cells = pooled[(slice(None), *map(slice, covered))].reshape(-1, *apart, x.shape[-1])
    best = jnp.argmax(cells.transpose(order).reshape(*x.shape, count), axis=-1)
    put = jnp.where(best[..., None] == jnp.arange(count), x[..., None], 0)
    back = [order.index(axis) for axis in range(len(order))]
    y = put.reshape(*x.shape, *size).transpose(back).reshape(-1, *covered, x.shape[-1])
    rest = [(0, n - m) for n, m in zip(pooled.shape[1:-1], covered, strict=True)]
    return jnp.pad(y, [(0, 0), *rest, (0, 0)])
