"""The calls of the foreign functions of a max pool."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit.network.kernels.plain import Padding, Sizes

TARGET = "cnnkit_max_pool_1"
GRADIENT_TARGET = "cnnkit_max_pool_gradient_1"
"""The names of the foreign functions; a changed meaning is a new name, for programs are kept."""

TYPES = (jnp.float32, jnp.bfloat16)
LANES = 16
"""The channels are a multiple of these."""

AXES = 2
"""The spatial axes at the most."""


def gains(x: Array) -> bool:
    """Whether the extension pools these maps, and so faster than XLA."""
    return x.dtype in TYPES and x.shape[-1] % LANES == 0 and x.ndim <= AXES + 2


def forward(
    x: Array, size: Sizes, stride: Sizes, padding: Padding, output: Sizes
) -> tuple[Array, Array]:
    """The maxima of windows on a CPU, and the place of each in its window in row-major order.

    Args:
        x: Maps [N, *spatial, C] of one or two axes.
        size: The extent of a window.
        stride: Cells from one window to the next.
        padding: Cells before and after the input.
        output: The extents of the output.
    """
    shape = (x.shape[0], *_of_two(output), x.shape[-1])
    results = (jax.ShapeDtypeStruct(shape, x.dtype), jax.ShapeDtypeStruct(shape, jnp.uint8))
    call = jax.ffi.ffi_call(TARGET, results, vmap_method="broadcast_all")
    flat = (x.shape[0], *output, x.shape[-1])
    y, places = call(_as_images(x), **_attributes(size, stride, padding))
    return y.reshape(flat), places.reshape(flat)


def backward(
    places: Array, dy: Array, size: Sizes, stride: Sizes, padding: Padding, extents: Sizes
) -> Array:
    """The gradient of the maps, whose extents are given."""
    shape = (dy.shape[0], *_of_two(extents), dy.shape[-1])
    result = jax.ShapeDtypeStruct(shape, dy.dtype)
    call = jax.ffi.ffi_call(GRADIENT_TARGET, result, vmap_method="broadcast_all")
    dx: Array = call(_as_images(places), _as_images(dy), **_attributes(size, stride, padding))
    return dx.reshape((dy.shape[0], *extents, dy.shape[-1]))


def _as_images(x: Array) -> Array:
    return x.reshape((x.shape[0], *_of_two(x.shape[1:-1]), x.shape[-1]))


def _of_two(extents: Sequence[int]) -> tuple[int, ...]:
    """Those of two axes, of which the first may have one cell."""
    return (*(1 for _ in range(AXES - len(extents))), *extents)


def _attributes(size: Sizes, stride: Sizes, padding: Padding) -> dict[str, np.ndarray]:
    more = AXES - len(size)
    before = (*(0 for _ in range(more)), *(pair[0] for pair in padding))
    return {
        "size": np.array(_of_two(size), np.int64),
        "stride": np.array(_of_two(stride), np.int64),
        "before": np.array(before, np.int64),
    }
