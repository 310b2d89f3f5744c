"""The extension at inference: what it gives is what the network gives, and what it refuses."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import cnnkit
from cnnkit.data.decoding import Decoding
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.export.folding import fold_batch_norms, fold_weight_norms
from cnnkit.network import Network, build
from cnnkit.network.inference import InferenceEngine, engine_of
from cnnkit.network.kernels import onednn
from cnnkit.network.kernels.onednn.inference import (
    TARGET,
    InferenceProgram,
    Instruction,
    RefusedProgramError,
    Windows,
)
from cnnkit.network.weights import arrays_of, put_arrays
from cnnkit.spec.tracing import graph_of
from cnnkit.training.use.prediction import compiled
from cnnkit.training.use.weights import trained_of, weights_of_seed

pytestmark = pytest.mark.skipif(not onednn.load().active, reason=onednn.load().reason)

# Each network, and how many programs it becomes.
NETWORKS = {
    "residuals": (
        1,
        """
input: 12x12x3
layers:
  - conv: {filters: 16, kernel: 3, padding: 1, bias: false}
  - batch_norm
  - relu
  - residual:
      layers:
        - conv: {filters: 16, kernel: 3, padding: 1, bias: false}
        - batch_norm: {scale: false}
        - relu
        - conv: {filters: 16, kernel: 3, padding: 1, weight_norm: weight_norm}
        - batch_norm: {shift: false}
  - residual:
      layers:
        - conv: {filters: 24, kernel: 3, padding: 1, stride: 2, rounding: floor}
        - batch_norm
      shortcut:
        - max_pool: {size: 1, stride: 2, rounding: floor}
        - pad: {channels: 4}
  - silu
  - dropout: {rate: 0.5}
  - depthwise_conv: {kernel: 3, padding: 1, multiplier: 2, activation: relu6}
  - squeeze_excite: {ratio: 4}
  - global_mean_pool
  - dense: {units: 7, activation: softmax}
""",
    ),
    "what XLA computes between": (
        2,
        """
input: 11x9x4
layers:
  - conv: {filters: 8, kernel: 3, dilation: 2, padding: [[1, 2], [0, 3]], activation: tanh}
  - conv: {filters: 8, kernel: 3, padding: 1, padding_mode: reflect}
  - batch_norm
  - parallel:
      branches:
        - [{conv: {filters: 5, kernel: 1, groups: 1, activation: hard_silu}}]
        - [batch_norm, relu, {conv: {filters: 6, kernel: 3, padding: 1, groups: 2}}]
        - [{mean_pool: {size: 3, stride: 1, padding: 1}}]
  - {save: before}
  - max_pool: {size: 3, stride: 2, padding: 1, rounding: ceil}
  - conv: {filters: 19, kernel: 1, activation: gelu}
  - sigmoid
  - flatten
  - dense: {units: 3}
""",
    ),
    "a signal": (
        1,
        """
input: 30x2
layers:
  - conv: {filters: 6, kernel: 5, stride: 2, rounding: floor, activation: leaky_relu}
  - mean_pool: {size: 3, stride: 2, padding: 1, count_padding: true, rounding: floor}
  - conv: {filters: 4, kernel: 3, padding: same, activation: elu}
  - global_mean_pool
  - dense: {units: 5, activation: mish}
  - dense: {units: 1, activation: sigmoid}
""",
    ),
    "a volume": (
        1,
        """
input: 6x7x5x2
layers:
  - conv: {filters: 4, kernel: [2, 3, 2], padding: same, activation: softplus}
  - max_pool: {size: 2, stride: [2, 1, 1], rounding: floor}
  - depthwise_conv: {kernel: 2}
  - batch_norm
  - hard_tanh
""",
    ),
}


def made(text: str) -> tuple[Network, InferenceEngine | None]:
    """A network whose statistics are no zeros and ones, and its engine."""
    spec = cnnkit.load(text)
    graph, network = graph_of(spec), build(spec)
    random = np.random.default_rng(0)
    put_arrays(
        network,
        {
            name: random.uniform(0.5, 1.5, array.shape).astype(np.float32)
            for name, array in arrays_of(network).items()
            if not name.endswith("kernel")
        },
    )
    engine = engine_of(
        graph,
        network,
        lambda: fold_batch_norms(graph, fold_weight_norms(graph, arrays_of(network))),
    )
    return network, engine


@pytest.mark.parametrize("name", NETWORKS)
def test_gives_what_the_network_gives(name: str) -> None:
    count, text = NETWORKS[name]
    network, engine = made(text)
    assert engine is not None
    assert len(engine.runs) == count
    graphdef, params, stats = network.parts()

    @jax.jit
    def both(numbers: Any, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        copy = nnx.merge(graphdef, params, stats)
        return copy.outputs(x).scores, copy.outputs(x, taken=engine.taken(numbers)).scores

    # One example for several threads, one each, and parts that are not of one size.
    for size in (1, 2, 13):
        x = np.random.default_rng(size).standard_normal((size, *network.plan.input), np.float32)
        expected, found = map(np.asarray, both(engine.numbers, x))
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()

    # Of an input that is no number, or ends float32, nothing is said, and of others what was.
    lost = [1, 2, 12]
    for example, number in zip(lost, (np.nan, -np.inf, 1e30), strict=True):
        x[example].flat[4] = number
    expected, told = map(np.asarray, both(engine.numbers, x))
    assert np.isnan(expected[1]).any()
    assert np.isnan(told[lost]).all()
    np.testing.assert_array_equal(np.delete(told, lost, 0), np.delete(found, lost, 0))


GROWING = """
input: 4x4x3
layers:
  - conv: {filters: 4, kernel: 3, padding: 1, bias: false, activation: relu}
  - conv: {filters: 4, kernel: 3, padding: 1, bias: false, activation: relu}
  - conv: {filters: 4, kernel: 3, padding: 1, bias: false, activation: relu6}
"""


@pytest.mark.parametrize(("size", "said"), [(1e3, True), (1e11, False)])
def test_of_what_grows_beyond_float32_inside_nothing_is_said(size: float, said: bool) -> None:
    spec = cnnkit.load(GROWING)
    graph, network = graph_of(spec), build(spec)
    # A filter of the second layer gives 36 times as much at most, one of the first 27 times.
    put_arrays(
        network,
        {name: np.full_like(each, size) for name, each in arrays_of(network).items()},
    )
    engine = engine_of(graph, network, lambda: (arrays_of(network), frozenset()))
    assert engine is not None
    x = jnp.stack([jnp.zeros((4, 4, 3)), jnp.ones((4, 4, 3))])
    found = np.asarray(network.outputs(x, taken=engine.taken(engine.numbers)).scores)
    assert (found[0] == 0).all()
    assert (found[1] == 6).all() if said else np.isnan(found[1]).all()


@pytest.mark.parametrize("weight", [np.nan, np.inf, 3e38])
def test_weights_that_could_overflow_make_no_engine(weight: float) -> None:
    spec = cnnkit.load(GROWING)
    network = build(spec)
    arrays = {name: np.full_like(each, weight) for name, each in arrays_of(network).items()}
    assert engine_of(graph_of(spec), network, lambda: (arrays, frozenset())) is None


def test_a_program_serves_other_weights() -> None:
    _, text = NETWORKS["a volume"]
    network, first = made(text)
    assert first is not None
    _, second = made(text.replace("softplus", "tanh"))
    assert second is not None
    asked = jax.jit(lambda numbers, x: network.outputs(x, taken=first.taken(numbers)).scores)
    x = np.ones((2, 6, 7, 5, 2), np.float32)
    assert not np.allclose(asked(first.numbers, x), asked(second.numbers, x))


def test_without_a_convolution_or_in_bfloat16_there_is_no_engine() -> None:
    _, engine = made("{input: 8x8x3, layers: [max_pool: {size: 2}, batch_norm, relu]}")
    assert engine is None
    spec = cnnkit.load("{input: 8x8x3, layers: [conv: {filters: 2, kernel: 3}]}")
    network = build(spec, compute_dtype=jnp.bfloat16)
    assert engine_of(graph_of(spec), network, lambda: ({}, frozenset())) is None


ONES = (1, 1)
WINDOW = Windows((3, 3), ONES, ONES, ONES, ONES)


def model(**changes: Any) -> InferenceProgram:
    weights = np.zeros((3, 3, 4, 5), np.float32)
    fields: dict[str, Any] = {"kind": "convolution", "output": 1, "inputs": (0,), "windows": WINDOW}
    instruction = Instruction(**fields | {"weights": weights} | changes)
    return InferenceProgram(onednn.load().path, [(8, 8, 4), (8, 8, 5)], [0], [1], [instruction])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": (1,)}, "a value is read before it is there"),
        ({"inputs": (2,)}, "a number is out of range"),
        ({"inputs": ()}, "an instruction reads nothing"),
        ({"output": 0}, "the weights of a convolution are of another shape"),
        ({"weights": None}, "the weights of a convolution are of another shape"),
        ({"groups": 2}, "channels and filters must split into the groups"),
        ({"bias": np.zeros(4, np.float32)}, "one bias a filter"),
        ({"windows": WINDOW._replace(stride=(1,))}, "a window must have the axes of its input"),
        ({"windows": WINDOW._replace(before=(0, 0))}, "could not create a primitive descriptor"),
        ({"kind": "dense"}, "a dense layer reads vectors"),
        ({"kind": "affine"}, "a factor and a shift a channel"),
        ({"kind": "binary", "algorithm": "add"}, "a binary operation reads two values"),
        ({"kind": "function"}, "one function at a time"),
    ],
)
def test_a_program_that_is_wrong_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedProgramError) as caught:
        model(**changes)
    assert said in str(caught.value)


def test_operands_of_another_shape_and_models_that_are_gone_are_errors() -> None:
    result = [jax.ShapeDtypeStruct((2, 8, 8, 5), jnp.float32)]
    asked = jax.jit(lambda number, x: jax.ffi.ffi_call(TARGET, result)(number, x)[0])
    right, wrong = jnp.ones((2, 8, 8, 4)), jnp.ones((2, 8, 8, 3))
    kept = model()
    number = kept.number
    assert not asked(number, right).any()
    refused = (jax.errors.JaxRuntimeError, ValueError)
    with pytest.raises(refused, match="the operands or results are not those of the model"):
        asked(number, wrong).block_until_ready()
    del kept
    gc.collect()
    with pytest.raises(refused, match="there is no such model"):
        asked(number, right).block_until_ready()


def test_prediction_and_its_views_say_what_the_network_says() -> None:
    spec = cnnkit.load(
        {
            "input": "8x8x3",
            "layers": [
                {"conv": {"filters": 4, "kernel": 3, "activation": "relu"}},
                "global_mean_pool",
                {"dense": {"units": 3}},
            ],
            "train": {"data": "cifar10", "augment": [{"flip": "horizontal"}]},
        }
    )
    record = Preprocessing("uint8", (8, 8, 3), (0, 255), (0.5,) * 3, (0.25,) * 3, Decoding(), None)
    trained = trained_of(replace(weights_of_seed(spec), preprocessing=record), Path("w"))
    assert trained.scoring.arrays[1]  # the extension takes part of it
    x = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)
    plain = np.asarray(trained.answers(trained.standardized(x)))
    mirrored = np.asarray(trained.answers(trained.standardized(x[:, :, ::-1])))
    np.testing.assert_allclose(trained.compute(x), plain, 1e-5)
    answer, views = compiled(trained, augment=True)
    assert views == 2
    np.testing.assert_allclose(answer(x), (plain + mirrored) / 2, 1e-5)
