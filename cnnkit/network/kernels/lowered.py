"""The operations of a convolution as XLA's convolutions, and the filter gradient in chunks."""

from __future__ import annotations

from functools import partial
from math import prod

import jax.numpy as jnp
from jax import Array

from cnnkit.network.kernels import plain
from cnnkit.network.kernels.geometry import Geometry, Operation
from cnnkit.network.kernels.transposition import by

CHUNKS = 8
"""Into how many parts of the batch a filter gradient is cut."""

MANY_WEIGHTS = 256
"""Weights a kernel cell, and"""
MUCH_WORK = 1 << 26
"""multiplications, from which on cutting gains more than it costs."""


def gains_from_chunks(geometry: Geometry) -> bool:
    """Whether the filter gradient is faster in chunks, which along one axis it never is."""
    weights = geometry.filters[-2] * geometry.filters[-1]
    work = prod(geometry.output[:-1]) * prod(geometry.filters)
    enough = weights >= MANY_WEIGHTS and work >= MUCH_WORK and geometry.input[0] % CHUNKS == 0
    return enough and len(geometry.stride) > 1


def _convolve(geometry: Geometry, x: Array, kernel: Array) -> Array:
    return plain.convolve(
        x,
        kernel,
        stride=geometry.stride,
        padding=geometry.padding,
        dilation=geometry.dilation,
        groups=geometry.groups,
    )


compute = partial(by, _convolve)
"""One operation of a convolution as ``plain.convolve`` and its derivatives have it."""


def in_chunks(operation: Operation, geometry: Geometry, first: Array, second: Array) -> Array:
    """As ``compute``; a filter gradient is the sum of those of parts of the batch.

    XLA takes the batch of a filter gradient for its channels: on a CPU one of a part, which the
    caches hold, is several times faster, and parts run side by side.
    """
    if operation is not Operation.filter_gradient:
        return compute(operation, geometry, first, second)
    parts = [
        compute(operation, geometry, x, dy).astype(jnp.float32)
        for x, dy in zip(jnp.split(first, CHUNKS), jnp.split(second, CHUNKS), strict=True)
    ]
    return sum(parts[1:], parts[0]).astype(first.dtype)
