"""A convolution of few channels as a product of matrices: rows of maps, and a banded matrix.

Along the last spatial axis a convolution is a product with a matrix that holds the kernel once for
each position, shifted, and zeros elsewhere (a Toeplitz matrix where the stride is 1). It multiplies
many zeros, but a product of matrices runs near the machine's peak, and a convolution of XLA whose
channels don't fill its vectors runs at a fiftieth of that. Of values that are not finite it makes
NaN along a row.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cnnkit.network.kernels.geometry import Geometry, Propagation
from cnnkit.network.kernels.transposition import by

FEW_CHANNELS = 8
"""Channels of the maps, below which"""
FEW_WEIGHTS = 20
"""or filters times channels, up to which a propagation of XLA is slow."""
VECTOR = 16
"""Filters of which a whole multiple makes XLA's filter gradient fast."""
WIDEST = 12
"""How many kernels wide the maps may be: as many times as often the product multiplies."""
MOST_CELLS = 1 << 19
"""Cells of the largest banded matrix, and of its pattern."""


def gains(propagation: Propagation, geometry: Geometry) -> bool:
    """Whether this is faster than XLA's convolution on a CPU (measured on the lecture's shapes)."""
    channels, filters = geometry.filters[-2:]
    wide = geometry.input[-2] > WIDEST * geometry.filters[-3]
    largest = max(prod(_matrix_shape(geometry)), prod(_band_shape(geometry)))
    if geometry.groups > 1 or wide or largest > MOST_CELLS:
        return False
    if propagation is Propagation.forward:
        return channels * filters <= FEW_WEIGHTS
    if propagation is Propagation.data_gradient:
        return channels < FEW_CHANNELS and filters <= 2 * VECTOR
    return channels < FEW_CHANNELS and filters % VECTOR != 0 and filters <= 2 * VECTOR


def _convolve(geometry: Geometry, x: Array, kernel: Array) -> Array:
    rows, columns = _matrix_shape(geometry)
    # Which kernel cell the matrix has for an input and an output cell of the last axis.
    band = jnp.asarray(_band(geometry), kernel.dtype)
    cells = kernel.reshape(-1, *kernel.shape[-3:])
    matrix = jnp.einsum("pkcf,kio->picof", cells, band).reshape(rows, columns)
    return (_rows(geometry, x).reshape(-1, rows) @ matrix).reshape(geometry.output)


compute = partial(by, _convolve)
"""One propagation of a convolution in one group."""


def _matrix_shape(geometry: Geometry) -> tuple[int, int]:
    *others, _, channels, filters = geometry.filters
    return prod(others) * geometry.input[-2] * channels, geometry.output[-2] * filters


def _band_shape(geometry: Geometry) -> tuple[int, int, int]:
    return geometry.filters[-3], geometry.input[-2], geometry.output[-2]


def _band(geometry: Geometry) -> np.ndarray:
    """One for each kernel cell, input cell and output cell of the last axis that meet."""
    cell, read, position = np.ogrid[tuple(map(slice, _band_shape(geometry)))]
    start = position * geometry.stride[-1] - geometry.padding[-1][0]
    met: np.ndarray = read == start + cell * geometry.dilation[-1]
    return met


def _rows(geometry: Geometry, x: Array) -> Array:
    """For each position along the other spatial axes the rows below the kernel, [N, *, P, W, C]."""
    *around, _ = geometry.padding
    padded = jnp.pad(x, ((0, 0), *around, (0, 0), (0, 0)))
    axes = list(
        zip(geometry.stride[:-1], geometry.dilation[:-1], geometry.output[1:-2], strict=True)
    )
    read = []
    for place in product(*map(range, geometry.filters[:-3])):
        starts = [at * distance for at, (_, distance, _) in zip(place, axes, strict=True)]
        stops = [
            start + (count - 1) * step + 1
            for start, (step, _, count) in zip(starts, axes, strict=True)
        ]
        read.append(
            lax.slice(
                padded,
                (0, *starts, 0, 0),
                (x.shape[0], *stops, *x.shape[-2:]),
                (1, *(step for step, _, _ in axes), 1, 1),
            )
        )
    return jnp.stack(read, -3)
