"""Figures of the graph, each held to onnxruntime and to the layers that it becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import SpecError
from cnnkit.importing import import_model
from tests.importing.models import model, node, random
from tests.importing.test_operators import NORM, layers

pytest.importorskip("onnxruntime")

W = {"w": random(4, 4, 3, 3)}
GELU = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
PARTS = [
    node("Div", "x root", "a"),
    node("Erf", "a", "e"),
    node("Add", "e one", "s"),
]
CASES: dict[str, tuple[list[Any], dict[str, Any], list[str]]] = {
    "a norm with a factor and a summand of its own": (
        [
            node("BatchNormalization", "x scale shift mean variance", "n"),
            node("Mul", "n m", "t"),
            node("Add", "t b", "y"),
        ],
        {**NORM, "m": random(4, 1, 1), "b": random(4, 1, 1)},
        ["batch_norm"],
    ),
    "a factor that another layer reads, too": (
        [
            node("BatchNormalization", "x scale shift mean variance", "n"),
            node("Mul", "n m", "t"),
            node("Add", "t n", "y"),
        ],
        {**NORM, "m": random(4, 1, 1)},
        ["batch_norm", "residual: {layers: [scale]}"],
    ),
    "an input that is rescaled": (
        [
            node("Sub", "x mean", "s"),
            node("Div", "s deviation", "d"),
            node("Relu", "d", "y"),
        ],
        {
            "mean": np.asarray([1, 2, 3, 4], np.float32).reshape(4, 1, 1),
            "deviation": np.float32(0.5),
        },
        ["rescale: {mean: [1.0, 2.0, 3.0, 4.0], deviation: 0.5}", "relu"],
    ),
    "a pad before a convolution": (
        [node("Pad", "x p", "q"), node("Conv", "q w", "y", strides=[2, 2], pads=[0, 1, 0, 1])],
        {**W, "p": np.asarray([0, 0, 1, 0, 0, 0, 2, 0])},
        ["conv: {filters: 4, kernel: 3, stride: 2, padding: [[1, 2], [1, 1]], bias: false}"],
    ),
    "a pad of the edge before a convolution": (
        [node("Pad", "x p", "q", mode="edge"), node("Conv", "q w", "y")],
        {**W, "p": np.asarray([0, 0, 1, 1, 0, 0, 1, 1])},
        ["conv: {filters: 4, kernel: 3, bias: false, padding: 1, padding_mode: edge}"],
    ),
    "silu": (
        [node("Sigmoid", "x", "s"), node("Mul", "x s", "y")],
        {},
        ["silu"],
    ),
    "hard silu, written out": (
        [
            node("Add", "x three", "a"),
            node("Clip", "a zero six", "c"),
            node("Mul", "x c", "m"),
            node("Div", "m six", "y"),
        ],
        {"three": np.float32(3), "zero": np.float32(0), "six": np.float32(6)},
        ["hard_silu"],
    ),
    "hard sigmoid, written out": (
        [
            node("Add", "x three", "a"),
            node("Clip", "a zero six", "c"),
            node("Div", "c six", "y"),
        ],
        {"three": np.float32(3), "zero": np.float32(0), "six": np.float32(6)},
        ["hard_sigmoid"],
    ),
    "mish": (
        [node("Softplus", "x", "p"), node("Tanh", "p", "t"), node("Mul", "x t", "y")],
        {},
        ["mish"],
    ),
    "gelu, halved last": (
        [*PARTS, node("Mul", "x s", "m"), node("Mul", "m half", "y")],
        GELU,
        ["gelu"],
    ),
    "gelu, halved first": (
        [*PARTS, node("Mul", "x half", "h"), node("Mul", "h s", "y")],
        GELU,
        ["gelu"],
    ),
    "a flatten behind an activation and a global pool": (
        [
            node("GlobalAveragePool", "x", "p"),
            node("Relu", "p", "d"),
            node("Flatten", "d", "f"),
            node("Gemm", "f m", "y"),
        ],
        {"m": random(4, 5)},
        ["global_mean_pool", "relu", "dense: {units: 5, bias: false}"],
    ),
    "concatenations that begin with all of the last": (
        [
            node("Relu", "x", "a"),
            node("Concat", "x a", "b", axis=1),
            node("Sigmoid", "b", "c"),
            node("Concat", "x a c", "y", axis=1),
        ],
        {},
        ["parallel:", "branches:", "[]", "[relu]", "parallel:", "branches:", "[]", "[sigmoid]"],
    ),
    "a residual with a shortcut": (
        [
            node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
            node("Relu", "a", "b"),
            node("Conv", "b u", "c", pads=[1, 1, 1, 1]),
            node("Conv", "x v", "d"),
            node("Add", "d c", "e"),
            node("Relu", "e", "y"),
        ],
        {**W, "u": random(4, 4, 3, 3), "v": random(4, 4, 1, 1)},
        [
            "residual:",
            "layers:",
            "conv: {filters: 4, kernel: 3, padding: 1, activation: relu}",
            "conv: {filters: 4, kernel: 3, padding: 1}",
            "shortcut:",
            "conv: {filters: 4, kernel: 1}",
            "activation: relu",
        ],
    ),
    "a sum of a tensor with itself": (
        [node("Add", "x x", "y")],
        {},
        ["parallel:", "branches:", "[]", "[]", "merge: add"],
    ),
    "branches that share a layer": (
        [
            node("Relu", "x", "a"),
            node("Sigmoid", "a", "b"),
            node("Tanh", "a", "c"),
            node("Concat", "c b x", "d", axis=1),
            node("Add", "d d", "y"),
        ],
        {},
        [
            "save: tensor1",
            "relu",
            "save: tensor2",
            "sigmoid",
            "save: tensor3",
            "load: tensor2",
            "tanh",
            "merge: {with: [tensor3, tensor1]}",
            "parallel:",
            "branches:",
            "[]",
            "[]",
            "merge: add",
        ],
    ),
    "squeeze and excitation": (
        [
            node("GlobalAveragePool", "x", "p"),
            node("Conv", "p r rb", "a"),
            node("Relu", "a", "b"),
            node("Conv", "b e eb", "c"),
            node("Sigmoid", "c", "g"),
            node("Mul", "g x", "y"),
        ],
        {"r": random(2, 4, 1, 1), "rb": random(2), "e": random(4, 2, 1, 1), "eb": random(4)},
        ["squeeze_excite: {units: 2}"],
    ),
    "squeeze and excitation by matrices": (
        [
            node("GlobalAveragePool", "x", "p"),
            node("Flatten", "p", "f"),
            node("Gemm", "f r", "a"),
            node("HardSwish", "a", "b"),
            node("Gemm", "b e", "c"),
            node("HardSigmoid", "c", "g", alpha=1 / 6),
            node("Reshape", "g s", "h"),
            node("Mul", "x h", "y"),
        ],
        {"r": random(4, 2), "e": random(2, 4), "s": np.asarray([1, 4, 1, 1])},
        [
            "squeeze_excite: {units: 2, activation: hard_silu, gate: hard_sigmoid, bias: false}",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_figure_is_recognized_and_computes_the_same(name: str, tmp_path: Path) -> None:
    nodes, arrays, expected = CASES[name]
    imported = import_model(model(tmp_path / "small.onnx", nodes, arrays))
    assert [line.removeprefix("- ") for line in layers(imported.text)] == expected
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


def test_a_summand_that_belongs_to_no_layer_is_a_finding(tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "a"), node("Add", "a b", "y", name="sum")]
    with pytest.raises(SpecError, match="node `sum` adds a constant a channel, which no kind"):
        import_model(model(tmp_path / "small.onnx", nodes, {"b": random(4, 1, 1)}))


def test_a_model_with_its_channels_last(tmp_path: Path) -> None:
    """As tf2onnx writes it: the input is transposed, and all behind it is channels first."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("Conv", "t w", "c"),
        node("Transpose", "c", "u", perm=[0, 2, 3, 1]),
        node("Reshape", "u s", "f"),
        node("MatMul", "f m", "y"),
    ]
    arrays = {"w": random(6, 3, 3, 3), "s": np.asarray([-1, 120]), "m": random(120, 5)}
    path = model(tmp_path / "small.onnx", nodes, arrays, shape=(1, 6, 7, 3))
    imported = import_model(path)
    assert imported.spec.input == (6, 7, 3)
    assert layers(imported.text)[1:] == ["flatten", "dense: {units: 5, bias: false}"]
    # The rows of the matrix are in our order already.
    assert np.array_equal(imported.arrays["layers.y.kernel"], arrays["m"])
    proof = imported.prove()
    assert proof.difference is not None
    assert proof.difference < 1e-5
