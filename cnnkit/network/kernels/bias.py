"""The bias of a convolution, whose gradient is a sum over all positions of a batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from cnnkit.network.kernels.choice import is_plain


def add_bias(y: Array, bias: Array) -> Array:
    """Y + bias, of the type of ``y``; the gradient of the bias is summed in float32.

    XLA sums that of bfloat16 in it, or on a CPU in a loop of its own that is six times slower.

    Args:
        y: Maps [N, …, C].
        bias: What is added to each channel [C], float32.
    """
    if is_plain() or y.dtype == bias.dtype:
        return y + bias.astype(y.dtype)
    return _add(y, bias)


@jax.custom_vjp
def _add(y: Array, bias: Array) -> Array:
    return y + bias.astype(y.dtype)


def _gradients(kept: None, dy: Array) -> tuple[Array, Array]:
    del kept
    return dy, jnp.sum(dy, tuple(range(dy.ndim - 1)), dtype=jnp.float32)


_add.defvjp(lambda y, bias: (_add(y, bias), None), _gradients)
