"""How the foreign functions of a convolution are called."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit.network.kernels.geometry import Geometry, Propagation


def propagate(
    target: str,
    propagation: Propagation,
    geometry: Geometry,
    first: Array,
    second: Array,
    **attributes: np.ndarray | np.int64,
) -> Array:
    """One propagation of a convolution by a foreign function, of the type of ``first``.

    Args:
        target: The name of the function.
        propagation: Which of the three.
        geometry: The extents.
        first: The first operand, float32 or bfloat16 with no empty axis.
        second: The other one.
        attributes: What else the function is told.
    """
    # A sum over all positions of a batch is not to be rounded part by part.
    of_filters = propagation is Propagation.filter_gradient
    result = jax.ShapeDtypeStruct(
        geometry.shape_of(propagation), jnp.float32 if of_filters else first.dtype
    )
    # The foreign function takes leading axes: a vmapped one costs neither a loop nor a copy.
    function = jax.ffi.ffi_call(target, result, vmap_method="broadcast_all")
    computed: Array = function(
        first,
        second,
        operation=np.int64(propagation),
        stride=np.array(geometry.stride, np.int64),
        **attributes,
    )
    return computed.astype(first.dtype)
