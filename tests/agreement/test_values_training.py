"""Training mode: a batch norm's statistics, and noise that is there in training alone."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cnnkit
from cnnkit.export import convert
from cnnkit.network import build
from tests.agreement.converted import case, close, module_of

NORM = "input: 3x2x4\nlayers: [{batch_norm: {momentum: 0.8, epsilon: 1e-3}}]\n"
MOMENTUM = 0.8


def batch() -> np.ndarray:
    return np.random.default_rng(1).normal(2, 3, (5, 3, 2, 4)).astype("float32")


def trained() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The output of a batch in training, and the running mean and variance after it."""
    network = build(cnnkit.load(NORM))
    split: Any = nnx.split(network, nnx.Param, nnx.BatchStat)
    graphdef, params, stats = split
    merged = nnx.merge(graphdef, params, stats)
    y = merged(jnp.asarray(batch()), train=True)
    state: Any = nnx.state(merged, nnx.BatchStat)
    mean, variance = (
        np.asarray(state["layers"]["0"][name].get_value()) for name in ("mean", "variance")
    )
    return np.asarray(y), mean, variance


def test_batch_statistics_are_those_of_the_formula() -> None:
    y, mean, variance = trained()
    x = batch().astype("float64")
    axes = (0, 1, 2)
    close(y, (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-3))
    close(mean, (1 - MOMENTUM) * x.mean(axes))
    close(variance, MOMENTUM + (1 - MOMENTUM) * x.var(axes))


def test_batch_statistics_are_kerass() -> None:
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    layer = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-3)
    y, mean, variance = trained()
    close(layer(batch(), training=True), y)
    close(layer.moving_mean.value, mean)
    close(layer.moving_variance.value, variance)


def test_batch_statistics_are_pytorchs_but_for_the_bias_of_the_variance() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    layer = torch.nn.BatchNorm2d(4, momentum=1 - MOMENTUM, eps=1e-3)
    y, mean, variance = trained()
    found = layer(torch.from_numpy(np.moveaxis(batch(), -1, 1).copy()))
    close(found.detach().movedim(1, -1), y)
    close(layer.running_mean, mean)
    cells = batch().size / 4
    unbiased = MOMENTUM + (variance - MOMENTUM) * cells / (cells - 1)
    close(layer.running_var, unbiased)


def test_what_a_file_says_of_pytorchs_variance() -> None:
    code = convert(cnnkit.load(NORM), "torch").code
    assert code is not None
    assert "averages the unbiased variance of a batch, the spec the biased" in code


def test_converted_flax_draws_noise_in_training_alone() -> None:
    spec = case("regularizations").spec
    model = module_of(spec, "flax").MODEL(rngs=nnx.Rngs(0))
    x = jnp.ones((2, *spec.input))
    model.train()
    assert not np.array_equal(model(x), model(x))
    model.eval()
    assert np.array_equal(model(x), model(x))


def test_converted_torch_draws_noise_in_training_alone() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    spec = case("regularizations").spec
    model = module_of(spec, "torch").MODEL()
    x = torch.ones(2, spec.input[-1], *spec.input[:-1])
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_converted_keras_draws_noise_in_training_alone() -> None:
    pytest.importorskip("keras", reason="Keras is not installed")
    spec = case("regularizations").spec
    model = module_of(spec, "keras").MODEL()
    x = np.ones((2, *spec.input), "float32")
    once, again = (np.asarray(model(x, training=True)) for _ in range(2))
    assert not np.array_equal(once, again)
    assert np.array_equal(np.asarray(model(x)), np.asarray(model(x)))
    assert jax.devices()
