"""The bias of a convolution: its gradient is a sum of float32 in every precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import cnnkit
from cnnkit.network import build, kernels


def test_a_long_sum_of_bfloat16_keeps_its_digits() -> None:
    # One after the other in bfloat16 these come to 256, where the next number is 258.
    y, bias = jnp.zeros((4, 64, 64, 3), jnp.bfloat16), jnp.arange(3.0)
    value, pull = jax.vjp(kernels.add_bias, y, bias)
    dy, gradient = pull(jnp.ones_like(value))
    assert (value.dtype, dy.dtype, gradient.dtype) == (jnp.bfloat16, jnp.bfloat16, jnp.float32)
    assert gradient.tolist() == [16_384] * 3
    np.testing.assert_array_equal(np.float32(value), np.broadcast_to(bias, y.shape))
    assert (dy == 1).all()


def test_plain_operations_allow_forward_mode() -> None:
    y, bias = jnp.ones((2, 3), jnp.bfloat16), jnp.arange(3.0)
    with kernels.plain_only():
        value, tangent = jax.jvp(kernels.add_bias, (y, bias), (y, bias))
    for each in (value, tangent):
        np.testing.assert_array_equal(np.float32(each), [[1, 2, 3]] * 2)


def test_a_convolution_adds_its_bias_once() -> None:
    spec = {"input": [4, 4, 1], "layers": [{"conv": {"filters": 2, "kernel": 1}}]}
    network = build(cnnkit.load(spec))
    conv = getattr(network.layers, "0")
    conv.bias.set_value(jnp.array([2.0, 3.0]))
    y = network(jnp.zeros((1, 4, 4, 1)))
    assert y[0, 0, 0].tolist() == [2, 3]
