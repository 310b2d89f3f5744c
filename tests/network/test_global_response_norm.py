"""The global response norm is the formula of its paper, in values and in the gradient."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

import cnnkit
from cnnkit.network import build, kernels


def formula(x: Any, scale: Any, shift: Any, epsilon: float) -> Any:
    """Woo et al., ConvNeXt V2, 2023, algorithm 1, in float64."""
    x = x.astype(np.float64)
    gx = np.linalg.norm(x.reshape(len(x), -1, x.shape[-1]), axis=1)[:, None, None, :]
    nx = gx / (gx.mean(axis=-1, keepdims=True) + epsilon)
    return scale * (x * nx) + shift + x


def network(epsilon: float) -> Any:
    spec = {"input": "5x4x3", "layers": [{"global_response_norm": {"epsilon": epsilon}}]}
    return build(cnnkit.load(spec))


@pytest.mark.parametrize("epsilon", [1e-6, 0.5])
def test_values(epsilon: float) -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    scale, shift = np.array([0.5, -1, 2], np.float32), np.array([1, 0, -0.5], np.float32)
    built = network(epsilon)
    np.testing.assert_array_equal(built(x), x)  # it starts as the identity
    layer = getattr(built.layers, "0")
    layer.scale.set_value(jnp.asarray(scale))
    layer.shift.set_value(jnp.asarray(shift))
    np.testing.assert_allclose(built(x), formula(x, scale, shift, epsilon), rtol=1e-5, atol=1e-5)
    with kernels.plain_only():
        check_grads(built, (jnp.asarray(x),), order=1, modes=["rev"], rtol=2e-2)


def test_a_channel_of_zeros_has_a_gradient() -> None:
    x = jnp.zeros((1, 5, 4, 3)).at[..., 0].set(1.0)
    slope = jax.grad(lambda x: network(1e-6)(x).sum())(x)
    assert bool(jnp.isfinite(slope).all())
