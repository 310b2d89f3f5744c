"""A depthwise convolution as a sum of shifted maps, each times one weight a channel."""

from __future__ import annotations

from itertools import product

import jax.numpy as jnp
from jax import Array, lax

from cnnkit.network.kernels.geometry import Geometry, Propagation


def compute(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    """One propagation of a convolution of one filter a channel (``geometry.is_depthwise``)."""
    places = list(product(*map(range, geometry.filters[:-2])))
    if propagation is Propagation.forward:
        terms = [
            _shifted(geometry, first, place) * second[place][0].astype(first.dtype)
            for place in places
        ]
        return sum(terms[1:], terms[0])
    if propagation is Propagation.data_gradient:
        terms = [_spread(geometry, first * second[place][0], place) for place in places]
        return sum(terms[1:], terms[0])
    axes = tuple(range(first.ndim - 1))
    sums = [
        jnp.sum(_shifted(geometry, first, place) * second, axes, dtype=jnp.float32)
        for place in places
    ]
    return jnp.stack(sums).reshape(geometry.filters).astype(first.dtype)


def _shifted(geometry: Geometry, x: Array, place: tuple[int, ...]) -> Array:
    """What all windows have at one cell of the kernel: a map of the output's extents."""
    cut = [(0, 0, 0)]
    starts = []
    for at, step, distance, (before, _), extent, count in _axes(geometry, place):
        start = at * distance - before
        end = start + (count - 1) * step + 1
        cut.append((max(-start, 0), max(end - extent, 0), 0))
        starts.append((max(start, 0), max(start, 0) + end - start))
    padded = lax.pad(x, jnp.zeros((), x.dtype), (*cut, (0, 0, 0)))
    return padded[
        (
            slice(None),
            *(
                slice(low, high, step)
                for (low, high), step in zip(starts, geometry.stride, strict=True)
            ),
        )
    ]


def _spread(geometry: Geometry, dy: Array, place: tuple[int, ...]) -> Array:
    """What goes to one cell of all windows, added nowhere: a map of the input's extents."""
    spread = [(0, 0, 0)]
    for at, step, distance, (before, _), extent, count in _axes(geometry, place):
        low = at * distance - before
        spread.append((low, extent - low - (count - 1) * step - 1, step - 1))
    return lax.pad(dy, jnp.zeros((), dy.dtype), (*spread, (0, 0, 0)))


def _axes(
    geometry: Geometry, place: tuple[int, ...]
) -> zip[tuple[int, int, int, tuple[int, int], int, int]]:
    return zip(
        place,
        geometry.stride,
        geometry.dilation,
        geometry.padding,
        geometry.input[1:-1],
        geometry.output[1:-1],
        strict=True,
    )
