"""Values and gradients of the activations are those of ``jax.nn``; what they keep is less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
import numpy as np

import cnnkit
from cnnkit.network import build

X = jnp.array([[-30.0, -3.0, -0.7, -1e-3, 1e-3, 0.4, 2.0, 7.0]])

THEIRS: dict[str, tuple[dict[str, float], Callable[[jax.Array], jax.Array]]] = {
    "relu": ({}, jax.nn.relu),
    "relu6": ({}, jax.nn.relu6),
    "leaky_relu": ({"slope": 0.2}, lambda x: jax.nn.leaky_relu(x, 0.2)),
    "elu": ({"alpha": 0.7}, lambda x: jax.nn.elu(x, 0.7)),
    "selu": ({}, jax.nn.selu),
    "sigmoid": ({}, jax.nn.sigmoid),
    "tanh": ({}, jnp.tanh),
    "gelu": ({}, lambda x: jax.nn.gelu(x, approximate=False)),
    "silu": ({}, jax.nn.silu),
    "mish": ({}, jax.nn.mish),
    "softplus": ({}, jax.nn.softplus),
    "celu": ({"alpha": 0.7}, lambda x: jax.nn.celu(x, 0.7)),
    "softsign": ({}, jax.nn.soft_sign),
    "hard_tanh": ({}, jax.nn.hard_tanh),
    "quick_gelu": ({}, lambda x: x * jax.nn.sigmoid(1.702 * x)),
    "log_sigmoid": ({}, jax.nn.log_sigmoid),
    "tanhshrink": ({}, lambda x: x - jnp.tanh(x)),
    "hard_sigmoid": ({}, jax.nn.hard_sigmoid),
    "hard_silu": ({}, jax.nn.hard_silu),
}
FALLING = {
    "leaky_relu": ({"slope": -0.2}, lambda x: jax.nn.leaky_relu(x, -0.2)),
    "elu": ({"alpha": -0.7}, lambda x: jax.nn.elu(x, -0.7)),
}


@pytest.mark.parametrize(
    ("kind", "fields", "theirs"),
    [(kind, *both) for table in (THEIRS, FALLING) for kind, both in table.items()],
)
def test_values_and_gradients(
    kind: str, fields: dict[str, float], theirs: Callable[[jax.Array], jax.Array]
) -> None:
    # A layer that changes nothing stands behind, for a final sigmoid is left to the loss.
    spec = cnnkit.load({"input": "8", "layers": [{kind: fields}, "linear"]})
    built = build(spec)

    def both(function: Callable[[jax.Array], jax.Array]) -> tuple[Any, Any]:
        weighted = jax.value_and_grad(lambda x: (function(x) * jnp.arange(1.0, 9)).sum())
        found: tuple[Any, Any] = jax.jit(weighted)(X)
        return found

    for ours, expected in zip(both(built), both(theirs), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(built(X), theirs(X), rtol=1e-6)


@pytest.mark.parametrize(
    "kind", ["relu", "tanh", "elu", "celu", "hard_tanh", "softshrink", "log_sigmoid"]
)
def test_a_gradient_keeps_the_output_alone(kind: str) -> None:
    built = build(cnnkit.load({"input": "8", "layers": [kind, "linear"]}))
    _, pullback = jax.vjp(built, X)
    kept = [leaf for leaf in jax.tree.leaves(pullback) if getattr(leaf, "size", 0) == X.size]
    assert len(kept) == 1
    np.testing.assert_array_equal(kept[0], built(X))


@pytest.mark.parametrize(
    "kind", ["gelu", "silu", "mish", "softsign", "tanhshrink", "rms_norm", "local_response_norm"]
)
def test_a_gradient_keeps_the_input_alone(kind: str) -> None:
    built = build(cnnkit.load({"input": "8", "layers": [kind]}))
    _, pullback = jax.vjp(built, X)
    kept = [leaf for leaf in jax.tree.leaves(pullback) if getattr(leaf, "size", 0) == X.size]
    kept = [leaf for leaf in kept if leaf.shape == X.shape]
    assert len(kept) == 1
    np.testing.assert_array_equal(kept[0], X)
