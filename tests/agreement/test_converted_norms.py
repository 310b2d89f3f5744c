"""The norms of converted code keep the digits of values far from zero, as the network does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("flax")

from flax import nnx

import cnnkit
from tests.agreement.converted import module_of

VALUES = np.array([2000.5, 1999.0, 2001.25, 1998.75], np.float32)
STANDARDIZED = (0.6019, -0.8427, 1.3242, -1.0835)
# Each kind with the shape of the batch in which the four values are one set, and that set's axes.
CASES = {
    "batch_norm": ("batch_norm", (4, 1)),
    "batch_norm of maps": ("batch_norm", (2, 1, 2, 1)),
    "layer_norm": ("layer_norm", (1, 4)),
    "layer_norm of maps": ("layer_norm", (1, 1, 1, 4)),
    "group_norm": ({"group_norm": {"groups": 1}}, (1, 2, 1, 2)),
    "instance_norm": ("instance_norm", (1, 4, 1)),
}


def _flax(spec: cnnkit.Spec, x: np.ndarray) -> Any:
    model = module_of(spec, "flax").MODEL(rngs=nnx.Rngs(0))
    model.train()
    return model(x)


def _torch(spec: cnnkit.Spec, x: np.ndarray) -> Any:
    torch = pytest.importorskip("torch")
    model = module_of(spec, "torch").MODEL()
    model.train()
    first = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    return np.moveaxis(model(torch.from_numpy(first)).detach().numpy(), 1, -1)


def _keras(spec: cnnkit.Spec, x: np.ndarray) -> Any:
    pytest.importorskip("keras")
    module = module_of(spec, "keras")
    return module.MODEL()(x, training=True)


@pytest.mark.parametrize("run", [_flax, _torch, _keras])
@pytest.mark.parametrize("case", CASES)
def test_values_by_hand(case: str, run: Any) -> None:
    layer, shape = CASES[case]
    spec = cnnkit.load({"input": list(shape[1:]), "layers": [layer]})
    found = np.asarray(run(spec, VALUES.reshape(shape)))
    # Keras takes the product before the sum, each of the size of the mean.
    np.testing.assert_allclose(found.reshape(-1), STANDARDIZED, atol=3e-4)


@pytest.mark.parametrize("mean", [0, 1, 100, 1_000, 10_000])
@pytest.mark.parametrize("run", [_flax, _torch, _keras])
@pytest.mark.parametrize("kind", ["batch_norm", "layer_norm", "group_norm", "instance_norm"])
def test_values_are_those_of_float64(kind: str, run: Any, mean: float) -> None:
    x = np.random.default_rng(0).normal(mean, 1, (4, 3, 5, 8)).astype(np.float32)
    layer = {kind: {"groups": 2}} if kind == "group_norm" else kind
    spec = cnnkit.load({"input": [3, 5, 8], "layers": [layer]})
    wide = x.astype(np.float64).reshape(4, 3, 5, 2, 4)
    over = {
        "batch_norm": (0, 1, 2),
        "layer_norm": (3, 4),
        "group_norm": (1, 2, 4),
        "instance_norm": (1, 2),
    }[kind]
    right = (wide - wide.mean(over, keepdims=True)) / np.sqrt(wide.var(over, keepdims=True) + 1e-5)
    # One rounding of values of that size is half of 2⁻²³ of them; what is allowed is eight.
    tolerance = 5e-6 + 4 * 2**-23 * mean
    np.testing.assert_allclose(np.asarray(run(spec, x)), right.reshape(x.shape), 1e-5, tolerance)
