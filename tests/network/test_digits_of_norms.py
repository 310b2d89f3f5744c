"""The norms keep their digits where values lie far from zero: float64 says what is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("flax")

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

import cnnkit
from cnnkit.network import Network, build, kernels
from cnnkit.network.normalization import BatchNorm
from cnnkit.network.standardization import moments, standardize

EPSILON = 1e-5
MEANS = (0, 1, 100, 1_000, 10_000)
# The axes of a set, of [N, height, width, groups, channels of a group].
SETS = {
    "batch_norm": (0, 1, 2),
    "layer_norm": (3, 4),
    "group_norm": (1, 2, 4),
    "instance_norm": (1, 2),
}
VALUES = (2000.5, 1999.0, 2001.25, 1998.75)
STANDARDIZED = (0.6019, -0.8427, 1.3242, -1.0835)


def layer_of(kind: str) -> Any:
    return {kind: {"groups": 2}} if kind == "group_norm" else kind


def normalized(kind: Any, x: np.ndarray) -> np.ndarray:
    """What a network of one norm gives in training."""
    network = build(cnnkit.load({"input": list(x.shape[1:]), "layers": [kind]}))
    return np.asarray(network.outputs(jnp.asarray(x), train=True, key=jax.random.key(0)).scores)


def drawn(mean: float, channels: int) -> np.ndarray:
    x = np.random.default_rng(channels).normal(mean, 1, (6, 5, 4, channels))
    return x.astype(np.float32)


def expected(kind: str, x: np.ndarray, towards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In float64 the values, and the gradient of their sum weighted by ``towards``."""
    groups = 2 if kind == "group_norm" else x.shape[-1]
    if kind == "layer_norm":
        groups = 1
    over, shape = SETS[kind], (*x.shape[:-1], groups, x.shape[-1] // groups)
    wide, g = x.astype(np.float64).reshape(shape), towards.astype(np.float64).reshape(shape)
    factor = 1 / np.sqrt(wide.var(over, keepdims=True) + EPSILON)
    y = (wide - wide.mean(over, keepdims=True)) * factor
    across = y * (g * y).mean(over, keepdims=True)
    slope = factor * (g - g.mean(over, keepdims=True) - across)
    return y.reshape(x.shape), slope.reshape(x.shape)


@pytest.mark.parametrize("channels", [2, 4, 64])
@pytest.mark.parametrize("kind", SETS)
def test_values_and_gradients_are_those_of_float64(kind: str, channels: int) -> None:
    shape = drawn(0, channels).shape
    towards = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    network = build(cnnkit.load({"input": list(shape[1:]), "layers": [layer_of(kind)]}))
    graphdef, *state = network.parts()

    @jax.jit
    def run(x: Array) -> tuple[Array, Array]:
        def forward(x: Array) -> Array:
            copy: Network = nnx.merge(graphdef, *state, copy=True)
            return copy.outputs(x, train=True, key=jax.random.key(0)).scores

        y, pullback = jax.vjp(forward, x)
        return y, pullback(jnp.asarray(towards))[0]

    for mean in MEANS:
        x = drawn(mean, channels)
        y, slope = expected(kind, x, towards)
        found, gradient = run(jnp.asarray(x))
        np.testing.assert_allclose(found, y, 1e-5, 5e-6, err_msg=f"mean {mean}")
        # Where two channels are nearly equal the slope is large, and so is what it loses.
        loss = 1e-5 * float(np.abs(slope).max())
        np.testing.assert_allclose(gradient, slope, 2e-4, loss, err_msg=f"mean {mean}")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("batch_norm", (4, 1)),
        ("layer_norm", (1, 4)),
        ({"group_norm": {"groups": 1}}, (1, 2, 1, 2)),
        ("instance_norm", (1, 4, 1)),
    ],
)
def test_values_by_hand(kind: Any, shape: tuple[int, ...]) -> None:
    found = normalized(kind, np.array(VALUES, np.float32).reshape(shape))
    np.testing.assert_allclose(found.reshape(-1), STANDARDIZED, atol=5e-5)


def test_means_of_many_elements() -> None:
    x = np.random.default_rng(0).normal(10_000, 1, (64, 32, 32, 2)).astype(np.float32)
    wide, over = x.astype(np.float64), (0, 1, 2)
    found = jax.jit(lambda x: moments(x, over))(x)
    mean = np.float64(found.mean) + np.float64(found.rest)
    np.testing.assert_allclose(mean, wide.mean(over, keepdims=True), atol=1e-6, rtol=0)
    np.testing.assert_allclose(found.variance, wide.var(over, keepdims=True), 1e-6)


@pytest.mark.parametrize("outlier", [0.0, -1e6])
def test_a_first_element_far_from_all_others(outlier: float) -> None:
    x = np.random.default_rng(0).normal(10_000, 1, (2, 4096, 1)).astype(np.float32)
    x[:, 0] = outlier
    wide = x.astype(np.float64)
    right = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + EPSILON)
    np.testing.assert_allclose(normalized("instance_norm", x), right, 1e-5, 1e-5)


@pytest.mark.parametrize("kind", SETS)
def test_what_is_constant_becomes_zero(kind: str) -> None:
    x = np.full((2, 3, 3, 4), 12_345.678, np.float32)
    assert not normalized(layer_of(kind), x).any()


def test_a_batch_of_none() -> None:
    ones, over = jnp.ones(4), (0, 1, 2)
    y, mean, variance = standardize(jnp.zeros((0, 3, 3, 4)), ones, ones, over, EPSILON)
    assert (y.shape, mean.shape, variance.shape) == ((0, 3, 3, 4), (1, 1, 1, 4), (1, 1, 1, 4))


def test_statistics_of_bfloat16_are_taken_in_float32() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(300, 4, (8, 6, 6, 4)), jnp.bfloat16)
    wide, over = np.float64(x), (0, 1, 2)
    ones, zeros = jnp.ones(4), jnp.zeros(4)
    y, mean, variance = standardize(x, ones, zeros, over, EPSILON)
    assert (y.dtype, mean.dtype, variance.dtype) == (jnp.bfloat16, jnp.float32, jnp.float32)
    np.testing.assert_allclose(mean, wide.mean(over, keepdims=True), 1e-6)
    np.testing.assert_allclose(variance, wide.var(over, keepdims=True), 1e-5)
    right = (wide - wide.mean(over)) / np.sqrt(wide.var(over) + EPSILON)
    np.testing.assert_allclose(np.float64(y), right, 2**-8, 1e-6)


def test_networks_mapped_side_by_side() -> None:
    x = np.stack([drawn(mean, 4) for mean in MEANS])
    ones, zeros = jnp.ones(4), jnp.zeros(4)

    def one(x: Array) -> Array:
        return standardize(x, ones, zeros, (0, 1, 2), EPSILON)[0]

    for found, each in zip(jax.vmap(one)(jnp.asarray(x)), x, strict=True):
        np.testing.assert_allclose(found, expected("batch_norm", each, each)[0], 1e-5, 5e-6)


def test_the_running_averages_and_what_they_give() -> None:
    network = build(cnnkit.load({"input": [4], "layers": [{"batch_norm": {"momentum": 0}}]}))
    x = np.random.default_rng(0).normal(10_000, 1, (256, 4)).astype(np.float32)
    network.outputs(jnp.asarray(x), train=True, key=jax.random.key(0))
    (norm,) = (each for _, each in nnx.iter_modules(network) if isinstance(each, BatchNorm))
    wide = x.astype(np.float64)
    np.testing.assert_allclose(norm.mean[...], wide.mean(0), 1e-7)
    np.testing.assert_allclose(norm.variance[...], wide.var(0), 1e-6)
    # The average is one float32: at 10,000 these lie 0.001 apart.
    right = (wide - np.float64(norm.mean[...])) / np.sqrt(wide.var(0) + EPSILON)
    np.testing.assert_allclose(network(jnp.asarray(x)), right, 1e-5, 1e-5)


def test_forward_mode_of_the_plain_operations() -> None:
    x, over = jnp.asarray(drawn(1_000, 4)), (0, 1, 2)
    tangent = jnp.asarray(np.random.default_rng(1).normal(size=x.shape), jnp.float32)
    with kernels.plain_only():
        _, moved = jax.jvp(
            lambda x: standardize(x, jnp.ones(4), jnp.zeros(4), over, EPSILON)[0], (x,), (tangent,)
        )
    # The derivative of a standardization is its own transpose.
    np.testing.assert_allclose(
        moved, expected("batch_norm", np.asarray(x), np.asarray(tangent))[1], 1e-4, 1e-5
    )
