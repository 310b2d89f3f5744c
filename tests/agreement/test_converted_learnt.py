"""Weights that are not learnt, in converted code."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cnnkit
from cnnkit.analysis import analyze
from cnnkit.export import convert
from cnnkit.network.weights import arrays_of, put_arrays
from tests.agreement.converted import Case, Owned, channels_first, close, quick
from tests.agreement.test_loaded_weights import RUN, loaded

NETWORK: dict[str, Any] = {
    "input": "4x4x3",
    "layers": [
        {"conv": {"filters": 4, "kernel": 3, "learnt": False, "weight_norm": "weight_norm"}},
        {"batch_norm": {"learnt": False}},
        {"prelu": {"learnt": False}},
        "flatten",
        {"dense": {"units": 2}},
    ],
}
Norm = Callable[[np.ndarray], np.ndarray]
PARAMETERS = 16 * 2 + 2


@pytest.fixture(scope="module")
def expected() -> Case:
    """The network with other numbers in each array, and what it gives."""
    spec = cnnkit.load(NETWORK)
    network = cnnkit.build(spec)
    draw = np.random.default_rng(1)
    arrays = {
        name: draw.uniform(0.5, 1.5, array.shape).astype("float32")
        for name, array in arrays_of(network).items()
    }
    put_arrays(network, arrays)
    graph = analyze(spec).graph
    owned = tuple(
        Owned(node, weight, arrays[f"{node.path}.{weight.name}"])
        for node in graph.nodes
        for weight in node.effect.weights
    )
    x = draw.normal(size=(4, 4, 4, 3)).astype("float32")
    return Case(
        spec,
        graph,
        owned,
        x,
        np.zeros(0),
        np.asarray(quick(lambda x: network(x))(jnp.asarray(x))),
        (),
    )


@pytest.mark.parametrize("target", RUN)
def test_converted_code_does_not_train_them(target: str, expected: Case, tmp_path: Path) -> None:
    pytest.importorskip(target, reason=f"{target} is not installed")
    pytest.importorskip("safetensors", reason="the extra `export` is not installed")
    model = loaded(expected, target, tmp_path)
    close(RUN[target](model, expected.x), expected.output)
    trained, norm = TRAINED[target](model)
    assert trained == PARAMETERS
    x = np.random.default_rng(2).normal(size=(3, 2, 2, 4)).astype("float32")
    scale, shift, mean, variance = (owned.array for owned in expected.owned[3:7])
    # In training too it norms by its running statistics, and it leaves them.
    for _ in range(2):
        close(norm(x), (x - mean) / np.sqrt(variance + 1e-5) * scale + shift)


def _of_torch(model: Any) -> tuple[int, Norm]:
    import torch

    norm = next(each for each in model.train().modules() if isinstance(each, torch.nn.BatchNorm2d))

    def normed(x: np.ndarray) -> np.ndarray:
        y = norm(torch.from_numpy(channels_first(x).copy())).detach()
        return np.moveaxis(y.numpy(), 1, -1)

    return sum(each.numel() for each in model.parameters() if each.requires_grad), normed


def _of_keras(model: Any) -> tuple[int, Norm]:
    import keras

    norm = model.get_layer("layers-1")

    def normed(x: np.ndarray) -> np.ndarray:
        return np.asarray(keras.ops.convert_to_numpy(norm(x, training=True)))

    return sum(math.prod(each.shape) for each in model.trainable_weights), normed


def _of_flax(model: Any) -> tuple[int, Norm]:
    norm = next(each for _, each in nnx.iter_modules(model) if isinstance(each, nnx.BatchNorm))

    def normed(x: np.ndarray) -> np.ndarray:
        model.train()
        return np.asarray(norm(jnp.asarray(x), use_running_average=True))

    assert "self.batch_norm(x, use_running_average=True)" in str(
        convert(cnnkit.load(NETWORK), "flax").code
    )
    return sum(each.size for each in jax.tree.leaves(nnx.state(model, nnx.Param))), normed


TRAINED = {"torch": _of_torch, "keras": _of_keras, "flax": _of_flax}
