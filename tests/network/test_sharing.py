"""A layer that is applied once more, with its activation's weights beside its own."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import cnnkit
from cnnkit.analysis import analyze
from cnnkit.network import build
from cnnkit.network.verification import verify

SPEC = {
    "input": "3",
    "layers": [
        {"name": "twin", "dense": {"units": 3, "activation": "prelu"}},
        {"shared": "twin"},
    ],
}


def test_the_activation_of_a_shared_layer_is_shared_too() -> None:
    draw = np.random.default_rng(0)
    network: Any = build(cnnkit.load(SPEC))
    kernel, bias = draw.normal(size=(3, 3)), draw.normal(size=3)
    slope = np.array([0.1, 0.5, 2])
    twin = network.layers.twin
    arrays = ((twin.kernel, kernel), (twin.bias, bias), (twin.activation.slope, slope))
    for variable, array in arrays:
        variable.set_value(jnp.asarray(array, jnp.float32))

    def once(x: np.ndarray) -> np.ndarray:
        y = x @ kernel + bias
        return np.where(y >= 0, y, slope * y)

    x = draw.normal(size=(5, 3))
    np.testing.assert_allclose(network(jnp.asarray(x, jnp.float32)), once(once(x)), rtol=1e-5)


@pytest.mark.parametrize("norm", ["batch_norm", "spectral_norm"])
def test_what_training_moves_is_moved_by_both_uses(norm: str) -> None:
    """Each use moves the one set of statistics, a spectral norm's by a step."""
    dense = {"units": 3, "activation": "prelu", "weight_norm": "spectral_norm"}
    layer = {"batch_norm": {"momentum": 0.5}} if norm == "batch_norm" else {"dense": dense}
    spec = {"input": "3", "layers": [{"name": "twin", **layer}, {"shared": "twin"}]}
    assert verify(analyze(cnnkit.load(spec))).ok
    network: Any = build(cnnkit.load(spec))
    twin = network.layers.twin
    if norm == "batch_norm":
        network(jnp.full((4, 3), 8.0), train=True)  # its own mean is 8, and then 0
        np.testing.assert_allclose(twin.mean[...], [2, 2, 2], rtol=1e-6)
        return
    matrix: Any = np.asarray(twin.kernel[...], np.float64)
    v: Any = np.asarray(twin.v[...], np.float64)
    network(jnp.ones((4, 3)), train=True)
    for _ in range(2):
        u = matrix.T @ v
        u /= np.linalg.norm(u)
        v = matrix @ u
        v /= np.linalg.norm(v)
    np.testing.assert_allclose(twin.u[...], u, rtol=1e-5, atol=1e-6)
