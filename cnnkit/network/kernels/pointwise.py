"""A convolution of one kernel cell as a product of matrices."""

from __future__ import annotations

from math import prod

import jax.numpy as jnp
from jax import Array, lax

from cnnkit.network.kernels.geometry import Geometry, Propagation

FEW_ROWS = 1024


def compute(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    """One propagation of a convolution that ``geometry.is_pointwise``."""
    if propagation is Propagation.forward:
        return _rows(_read(geometry, first), _matrix(second)).reshape(geometry.output)
    if propagation is Propagation.data_gradient:
        return _unread(geometry, _rows(first, _matrix(second).T))
    x, dy = _read(geometry, first), second
    product = jnp.einsum("ni,no->io", x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1]))
    return product.reshape(geometry.filters)


def has_few_rows(geometry: Geometry) -> bool:
    """Whether it is of so few cells that oneDNN takes longer to lay bfloat16 out than to multiply.

    Measured on 128 and 512 rows of 120 to 1,280 channels, where its filter gradient takes 2.5 to 5
    times as long as a product of float32; of 2,048 and more it takes a half to a sixth.
    """
    rows = prod(geometry.output[:-1])
    return geometry.is_pointwise and set(geometry.stride) == {1} and rows < FEW_ROWS


def in_float32(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    """As ``compute``, the product one of float32."""
    wide = compute(propagation, geometry, first.astype(jnp.float32), second.astype(jnp.float32))
    return wide.astype(first.dtype)


def _matrix(kernel: Array) -> Array:
    return kernel.reshape(kernel.shape[-2:])


def _rows(maps: Array, matrix: Array) -> Array:
    return maps.reshape(-1, maps.shape[-1]) @ matrix


def _read(geometry: Geometry, x: Array) -> Array:
    """The cells that are read."""
    return x[(slice(None), *(slice(None, None, step) for step in geometry.stride))]


def _unread(geometry: Geometry, rows: Array) -> Array:
    """The gradient of the cells that are read, with zeros for the others between and after."""
    maps = rows.reshape((*geometry.output[:-1], geometry.input[-1]))
    spread = [
        (0, extent - (count - 1) * step - 1, step - 1)
        for extent, count, step in zip(
            geometry.input[1:-1], geometry.output[1:-1], geometry.stride, strict=True
        )
    ]
    return lax.pad(maps, jnp.zeros((), maps.dtype), ((0, 0, 0), *spread, (0, 0, 0)))
