"""The call of the foreign function, which computes each propagation of a convolution."""

from __future__ import annotations

import os

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit.network.kernels.geometry import Geometry, Propagation
from cnnkit.network.kernels.onednn.propagation import propagate

TARGET = "cnnkit_onednn_convolve_1"
"""The name of the foreign function; a changed meaning is a new name, for programs are kept."""

TYPES = (jnp.float32, jnp.bfloat16)
LONG_KERNEL = 12
"""Cells of a kernel along one axis, and"""
MANY_CHANNELS = 64
"""channels, from which on oneDNN's filter gradient is slower than XLA's."""


def gains(propagation: Propagation, geometry: Geometry, dtype: jax.typing.DTypeLike) -> bool:
    """Whether oneDNN can compute it, and is faster than XLA (measured on the shapes of the zoo)."""
    is_long = (
        propagation is Propagation.filter_gradient
        and len(geometry.stride) == 1
        and geometry.filters[0] >= LONG_KERNEL
        and geometry.filters[1] >= MANY_CHANNELS
    )
    # The rows of an example are dealt out four at a time at least: where that leaves cores idle,
    # XLA's own use of all of them wins.
    parts = geometry.input[0] * max(1, geometry.output[1] // 4)
    return dtype in TYPES and not is_long and 2 * parts >= (os.cpu_count() or 1)


def compute(propagation: Propagation, geometry: Geometry, first: Array, second: Array) -> Array:
    """One propagation of a convolution, of float32 or bfloat16 with no empty axis, on a CPU."""
    return propagate(
        TARGET,
        propagation,
        geometry,
        first,
        second,
        padding=np.array(geometry.padding, np.int64).ravel(),
        dilation=np.array(geometry.dilation, np.int64),
        groups=np.int64(geometry.groups),
    )
