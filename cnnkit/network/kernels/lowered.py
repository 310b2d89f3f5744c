"""The operations of a convolution as XLA's convolutions, and the filter gradient in chunks."""

from __future__ import annotations

from functools import partial
from math import prod

import jax.numpy as jnp
from jax import Array

from cnnkit.network.kernels import plain
from cnnkit.network.kernels.geometry import Geometry, Propagation
from cnnkit.network.kernels.transposition import by

MOST_CHUNKS = 8
"""Into how many parts of the batch a filter gradient is cut at most."""
MANY_WEIGHTS = 256
"""Weights a kernel cell,"""
MANY_VALUES = 49 * 64
"""values of an example's maps, and"""
MUCH_WORK = 1 << 26
"""multiplications, from which on cutting gains more than it costs."""
LARGE = 1 << 28
"""Values of maps, 1 GiB, above which their copies are made one after the other."""


def are_large(geometry: Geometry) -> bool:
    """Whether the copies of maps are so large that they should not be there all at once."""
    return max(prod(geometry.input), prod(geometry.output)) > LARGE


def gains_from_chunks(geometry: Geometry) -> bool:
    """Whether the filter gradient is faster in chunks; of 1-D and 3-D convolutions it is slower."""
    weights, values = prod(geometry.filters[-2:]), prod(geometry.input[1:])
    work = prod(geometry.output[:-1]) * prod(geometry.filters)
    enough = weights >= MANY_WEIGHTS and values >= MANY_VALUES and work >= MUCH_WORK
    return enough and len(geometry.stride) == 2 and _chunks(geometry.input[0]) > 1


def _chunks(batch: int) -> int:
    """Into how many parts a batch is cut: of 16 examples or more, a small one of 8, as vectors are.

    Few, for each is a convolution of its own to compile.
    """
    if batch % 8:
        return 1
    count = batch // 8
    if batch >= 32 and count % 2 == 0:
        count //= 2
    while count > MOST_CHUNKS and count % 2 == 0:
        count //= 2
    return count if count <= MOST_CHUNKS else 1


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
"""One propagation of a convolution as ``plain.convolve`` and its derivatives have it."""


def in_one(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    """As ``compute``; a filter gradient's maps are not laid out for it before their gradient."""
    if propagation is Propagation.filter_gradient:
        first = after(second, first)
    return compute(propagation, geometry, first, second)


def in_chunks(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    """As ``in_one``; a filter gradient is the sum of those of parts of the batch.

    XLA takes the batch of a filter gradient for its channels: on a CPU one of a part, which the
    caches hold, is several times faster, and parts run side by side.
    """
    if propagation is not Propagation.filter_gradient:
        return compute(propagation, geometry, first, second)
    count, in_turn = _chunks(geometry.input[0]), are_large(geometry)
    held = after(second, first)
    parts: list[Array] = []
    for pair in zip(jnp.split(held, count), jnp.split(second, count), strict=True):
        x, dy = (after(parts[-1], each) for each in pair) if parts and in_turn else pair
        parts.append(compute(propagation, geometry, x, dy).astype(jnp.float32))
    return sum(parts[1:], parts[0]).astype(first.dtype)


def after(gradient: Array, x: Array) -> Array:
    """The maps, such that XLA copies them only when a gradient is there.

    A filter gradient reads them transposed. XLA for CPUs would make that copy in the forward pass
    and keep it beside the maps until the backward pass; a barrier it drops before it orders its
    operations. One value of the gradient, looked at with each copied value, costs nothing. Where
    that is not a number, all of what is computed from them is none, not its filter's alone.
    """
    one = gradient[(0,) * gradient.ndim].astype(x.dtype)
    return jnp.where(jnp.isnan(one), one, x)
