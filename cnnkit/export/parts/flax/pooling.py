"""Pools that the framework lacks."""

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
