"""The gradients of a convolution, from a function that convolves: it is linear in each operand."""

from __future__ import annotations

from collections.abc import Callable

import jax
from jax import Array

from cnnkit.network.kernels.geometry import Geometry, Propagation

Convolve = Callable[[Geometry, Array, Array], Array]
"""Takes the maps and the kernel."""


def by(
    convolve: Convolve, propagation: Propagation, geometry: Geometry, first: Array, second: Array
) -> Array:
    """One propagation of a convolution: `convolve`, or its transpose in an operand."""
    if propagation is Propagation.forward:
        return convolve(geometry, first, second)
    if propagation is Propagation.data_gradient:
        x = jax.ShapeDtypeStruct(geometry.input, first.dtype)
        return _transposed(lambda x: convolve(geometry, x, second), x, first)
    kernel = jax.ShapeDtypeStruct(geometry.filters, first.dtype)
    return _transposed(lambda kernel: convolve(geometry, first, kernel), kernel, second)


def _transposed(
    function: Callable[[Array], Array], operand: jax.ShapeDtypeStruct, ct: Array
) -> Array:
    (transposed,) = jax.linear_transpose(function, operand)(ct)
    gradient: Array = transposed
    return gradient
