"""The call of the foreign function for a convolution of one filter a channel."""

from __future__ import annotations

from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit.network.kernels.geometry import Geometry, Propagation
from cnnkit.network.kernels.onednn.propagation import propagate

TARGET = "cnnkit_convolve_depthwise_1"
"""The name of the foreign function; a changed meaning is a new name, for programs are kept."""

LANES = 16
"""The channels are a multiple of these."""

AXES = 2
"""The spatial axes."""

MOST_CELLS = 64
"""Cells of a filter at the most."""


def gains(geometry: Geometry, dtype: jax.typing.DTypeLike) -> bool:
    """Whether it can be computed, and faster than by oneDNN."""
    channels = geometry.input[-1]
    return (
        dtype == jnp.bfloat16
        and geometry.is_depthwise
        and geometry.filters[-1] == channels
        and channels % LANES == 0
        and len(geometry.stride) == AXES
        and set(geometry.dilation) == {1}
        and prod(geometry.filters[:-2]) <= MOST_CELLS
    )


def compute(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    """One propagation of a convolution, of float32 or bfloat16 with no empty axis, on a CPU."""
    return propagate(
        TARGET,
        propagation,
        geometry,
        first,
        second,
        before=np.array([before for before, _ in geometry.padding], np.int64),
    )
