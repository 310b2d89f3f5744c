"""The gradient of the norms is the one that JAX derives from the formula."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
import numpy as np

import cnnkit
from cnnkit.network import build
from cnnkit.network.standardization import standardize

SHAPE = (2, 3, 4, 2, 3)  # examples, positions, groups and their channels


@pytest.mark.parametrize("over", [(4,), (1, 2, 4), (1, 2)], ids=["layer", "group", "instance"])
def test_value_and_gradients(over: tuple[int, ...]) -> None:
    keys = jax.random.split(jax.random.key(0), 4)
    x = 2 + 3 * jax.random.normal(keys[0], SHAPE)
    scale, shift = (jax.random.normal(key, SHAPE[-2:]) for key in keys[1:3])
    weights = jax.random.normal(keys[3], SHAPE)

    def formula(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
        mean, variance = x.mean(over, keepdims=True), x.var(over, keepdims=True)
        return (scale * (x - mean) / jnp.sqrt(variance + 1e-3) + shift) * weights

    def ours(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
        return standardize(x, scale, shift, over, 1e-3)[0] * weights

    def both(function: Any) -> Any:
        total = jax.value_and_grad(lambda *arguments: function(*arguments).sum(), (0, 1, 2))
        return jax.tree.leaves(jax.jit(total)(x, scale, shift))

    for found, expected in zip(both(ours), both(formula), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_gradient_keeps_the_input_and_statistics() -> None:
    layers = [{"layer_norm": {"scale": False}}]
    built = build(cnnkit.load({"input": "6x6x8", "layers": layers}))
    x = jax.random.normal(jax.random.key(0), (2, 6, 6, 8))
    _, pullback = jax.vjp(built, x)
    sizes = sorted(leaf.size for leaf in jax.tree.leaves(pullback) if hasattr(leaf, "size"))
    assert sizes == [8, 72, 72, 72, x.size]  # ones, mean, its rest, deviation, the input
