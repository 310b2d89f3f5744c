"""The norms of weights are the formulas of their papers, in values and in the gradient."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import cnnkit
from cnnkit.network import build

DRAW = np.random.default_rng(0)
KINDS = ["standardize", "scaled_standardize", "weight_norm"]


def formula(kind: str, v: Any, gain: Any) -> Any:
    """Of each filter, in float64; Qiao et al., 2019, Brock et al., 2021, Salimans, Kingma, 2016."""
    columns: Any = np.moveaxis(np.asarray(v, np.float64), -1, 0)
    made: list[Any] = []
    for own, g in zip(columns, np.broadcast_to(gain, len(columns)), strict=True):
        if kind == "weight_norm":
            made.append(g * own / np.linalg.norm(own))
        elif kind == "standardize":
            made.append((own - own.mean()) / np.sqrt(own.var() + 1e-6))
        else:
            made.append(g * (own - own.mean()) / np.sqrt(own.size * (own.var() + 1e-6)))
    return np.moveaxis(np.array(made), 0, -1)


def network(layer: str, kind: str, channels: str = "7", **fields: Any) -> Any:
    spec = {"input": channels, "layers": [{layer: {**fields, "weight_norm": kind}}]}
    return build(cnnkit.load(spec))


def put(network: Any, **arrays: Any) -> Any:
    module = getattr(network.layers, "0")
    for name, array in arrays.items():
        getattr(module, name).set_value(jnp.asarray(array, jnp.float32))
    return module


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_that_a_dense_layer_works_with(kind: str) -> None:
    kernel, gain = DRAW.normal(size=(7, 3), loc=0.4), np.array([0.5, -1, 2])
    built = network("dense", kind, units=3, bias=False)
    put(built, kernel=kernel, **({} if kind == "standardize" else {"gain": gain}))
    # Unit vectors in, the weights out.
    own = gain if kind != "standardize" else 1
    np.testing.assert_allclose(built(jnp.eye(7)), formula(kind, kernel, own), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_formula(kind: str) -> None:
    """Held to differences of the formula in float64."""
    kernel, gain = DRAW.normal(size=(7, 3)), np.array([0.5, -1, 2])
    towards = DRAW.normal(size=(7, 3))
    built = network("dense", kind, units=3, bias=False)
    given = {} if kind == "standardize" else {"gain": gain}
    put(built, kernel=kernel, **given)
    slopes: Any = nnx.grad(lambda net: (net(jnp.eye(7)) * towards).sum())(built)
    found = slopes["layers"]["0"]

    def value(kernel: Any, gain: Any) -> Any:
        return (formula(kind, kernel, gain if given else 1) * towards).sum()

    for name, array in {"kernel": kernel, **given}.items():
        expected = np.zeros(array.shape)
        for at in np.ndindex(array.shape):
            step = np.zeros(array.shape)
            step[at] = 1e-6
            by = (step, 0) if name == "kernel" else (0, step)
            more, less = (value(kernel + s * by[0], gain + s * by[1]) for s in (1, -1))
            expected[at] = (more - less) / 2e-6
        np.testing.assert_allclose(found[name][...], expected, rtol=1e-5, atol=1e-5)


def test_weight_norm_begins_with_the_weights_that_were_drawn() -> None:
    plain = network("conv", "none", "6x5x4", filters=8, kernel=3, groups=2)
    x = DRAW.normal(size=(2, 6, 5, 4)).astype("float32")
    normed = network("conv", "weight_norm", "6x5x4", filters=8, kernel=3, groups=2)
    np.testing.assert_allclose(normed(x), plain(x), rtol=1e-5, atol=1e-5)


def test_the_gain_of_scaled_standardization_begins_with_1() -> None:
    built = network("conv", "scaled_standardize", "6x5x4", filters=8, kernel=3)
    np.testing.assert_array_equal(getattr(built.layers, "0").gain[...], np.ones(8))


@pytest.mark.parametrize("kind", KINDS)
def test_each_position_of_a_locally_connected_layer_is_a_filter(kind: str) -> None:
    built = network("locally_connected", kind, "3x2", filters=2, kernel=2, bias=False)
    kernel = DRAW.normal(size=(2, 2, 2, 2))  # positions, cells, channels, filters
    put(built, kernel=kernel)
    gain = 1 if kind == "standardize" else getattr(built.layers, "0").gain[...]
    x = DRAW.normal(size=(1, 3, 2)).astype("float32")
    expected = [
        np.einsum(
            "kc,kcf->f",
            x[0, at : at + 2],
            formula(kind, kernel[at], np.broadcast_to(gain, (2, 2))[at]),
        )
        for at in range(2)
    ]
    np.testing.assert_allclose(built(x)[0], expected, rtol=1e-5, atol=1e-5)


def test_a_layer_in_bfloat16_normalizes_in_float32() -> None:
    spec = {"input": "7", "layers": [{"dense": {"units": 3, "weight_norm": "standardize"}}]}
    built = build(cnnkit.load(spec), compute_dtype=jnp.bfloat16)
    kernel = np.asarray(getattr(built.layers, "0").kernel[...])
    np.testing.assert_allclose(
        jax.device_get(built(jnp.eye(7))).astype(np.float32),
        formula("standardize", kernel, 1).astype(jnp.bfloat16).astype(np.float32),
        rtol=2**-7,
    )


def test_a_layer_that_is_shared_normalizes_the_same_weights() -> None:
    spec = {
        "input": "4",
        "layers": [
            {"name": "twin", "dense": {"units": 4, "weight_norm": "weight_norm", "bias": False}},
            {"shared": "twin"},
        ],
    }
    built: Any = build(cnnkit.load(spec))
    kernel, gain = DRAW.normal(size=(4, 4)), DRAW.normal(size=4)
    module = built.layers.twin
    module.kernel.set_value(jnp.asarray(kernel, jnp.float32))
    module.gain.set_value(jnp.asarray(gain, jnp.float32))
    weights = formula("weight_norm", kernel, gain)
    np.testing.assert_allclose(built(jnp.eye(4)), weights @ weights, rtol=1e-5, atol=1e-5)
