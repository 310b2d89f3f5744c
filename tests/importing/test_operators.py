"""Each operator of ONNX: what it becomes, and that both compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.importing import import_model
from tests.importing.models import model, node, random

pytest.importorskip("onnxruntime")

NORM = {
    "scale": random(4, low=0.5),
    "shift": random(4),
    "mean": random(4),
    "variance": random(4, low=0.1),
}
Case = tuple[list[Any], dict[str, Any], list[str]]
CASES: dict[str, Case] = {
    "conv": (
        [node("Conv", "x w b", "y", strides=[2, 2], pads=[1, 1, 1, 1])],
        {"w": random(6, 4, 3, 3), "b": random(6)},
        ["conv: {filters: 6, kernel: 3, stride: 2, padding: 1}"],
    ),
    "conv of unequal sides": (
        [node("Conv", "x w", "y", pads=[0, 1, 2, 1], dilations=[1, 2])],
        {"w": random(6, 4, 3, 2)},
        [
            ("conv: {filters: 6, kernel: [3, 2], dilation: [1, 2], padding: [[0, 2], [1, 1]], "
            "bias: false}")
        ],
    ),
    "conv in groups": (
        [node("Conv", "x w", "y", group=2)],
        {"w": random(6, 2, 3, 3)},
        ["conv: {filters: 6, kernel: 3, bias: false, groups: 2}"],
    ),
    "depthwise conv": (
        [node("Conv", "x w b", "y", group=4)],
        {"w": random(8, 1, 3, 3), "b": random(8)},
        ["depthwise_conv: {multiplier: 2, kernel: 3}"],
    ),
    "conv with the padding of `same`": (
        [node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[3, 3])],
        {"w": random(6, 4, 4, 4)},
        ["conv: {filters: 6, kernel: 4, stride: 3, padding: same, bias: false}"],
    ),
    "conv with the odd cell before": (
        [node("Conv", "x w", "y", auto_pad="SAME_LOWER")],
        {"w": random(6, 4, 4, 4)},
        ["conv: {filters: 6, kernel: 4, padding: [[2, 1], [2, 1]], bias: false}"],
    ),
    "transposed conv": (
        [node("ConvTranspose", "x w b", "y", strides=[2, 2], pads=[1, 1, 1, 1])],
        {"w": random(4, 6, 4, 4), "b": random(6)},
        ["transposed_conv: {filters: 6, kernel: 4, stride: 2, padding: 1}"],
    ),
    "transposed conv in groups": (
        [node("ConvTranspose", "x w", "y", group=2, strides=[2, 2], output_padding=[1, 1])],
        {"w": random(4, 3, 3, 3)},
        [
            ("transposed_conv: {filters: 6, kernel: 3, stride: 2, groups: 2, output_padding: 1, "
            "bias: false}")
        ],
    ),
    "flatten and gemm": (
        [node("Flatten", "x", "f"), node("Gemm", "f w b", "y", transB=1, alpha=0.5, beta=2.0)],
        {"w": random(5, 256), "b": random(5)},
        ["flatten", "dense: {units: 5}"],
    ),
    "reshape and matmul and add": (
        [
            node("Reshape", "x s", "f"),
            node("MatMul", "f w", "m"),
            node("Add", "m b", "y"),
        ],
        {"s": np.asarray([0, -1]), "w": random(256, 5), "b": random(5)},
        ["flatten", "dense: {units: 5}"],
    ),
    "an activation between flatten and gemm": (
        [
            node("Flatten", "x", "f"),
            node("Relu", "f", "r"),
            node("Gemm", "r w", "y"),
        ],
        {"w": random(256, 5)},
        ["flatten", "relu", "dense: {units: 5, bias: false}"],
    ),
    "a shape that is computed": (
        [
            node("Shape", "x", "s"),
            node("Gather", "s zero", "n"),
            node("Unsqueeze", "n axes", "m"),
            node("Concat", "m rest", "t", axis=0),
            node("Reshape", "x t", "f"),
            node("Gemm", "f w", "y"),
        ],
        {
            "zero": np.asarray(0),
            "axes": np.asarray([0]),
            "rest": np.asarray([-1]),
            "w": random(256, 5),
        },
        ["flatten", "dense: {units: 5, bias: false}"],
    ),
    "matmul over the channels of a map": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("MatMul", "t w", "m"),
            node("Add", "m b", "a"),
            node("Transpose", "a", "y", perm=[0, 3, 1, 2]),
        ],
        {"w": random(4, 6), "b": random(6)},
        ["conv: {filters: 6, kernel: 1}"],
    ),
    "layer norm over the channels of a map": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("LayerNormalization", "t scale shift", "n", axis=-1, epsilon=1e-6),
            node("Transpose", "n", "y", perm=[0, 3, 1, 2]),
        ],
        NORM,
        ["layer_norm: {epsilon: 1e-06}"],
    ),
    "layer norm that is written out": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("ReduceMean", "t", "m", axes=[-1]),
            node("Sub", "t m", "c"),
            node("Pow", "c two", "s"),
            node("ReduceMean", "s", "v", axes=[-1]),
            node("Add", "v epsilon", "e"),
            node("Sqrt", "e", "d"),
            node("Div", "c d", "n"),
            node("Mul", "n scale", "f"),
            node("Add", "f shift", "a"),
            node("Transpose", "a", "y", perm=[0, 3, 1, 2]),
        ],
        {**NORM, "two": np.float32(2), "epsilon": np.float32(1e-6)},
        ["layer_norm: {epsilon: 1e-06}"],
    ),
    "batch norm": (
        [node("BatchNormalization", "x scale shift mean variance", "y", epsilon=1e-3)],
        NORM,
        ["batch_norm: {epsilon: 0.001}"],
    ),
    "instance norm": (
        [node("InstanceNormalization", "x scale shift", "y")],
        NORM,
        ["instance_norm"],
    ),
    "local response norm": (
        [node("LRN", "x", "y", size=3, alpha=0.5, beta=0.5, bias=2.0)],
        {},
        ["local_response_norm: {size: 3, alpha: 0.5, beta: 0.5, k: 2.0}"],
    ),
    "max pool": (
        [node("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])],
        {},
        ["max_pool: {size: 3, stride: 2, padding: [[0, 1], [0, 1]]}"],
    ),
    "max pool that rounds up": (
        [node("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
        {},
        ["max_pool: {size: 3, stride: 2, rounding: ceil}"],
    ),
    "max pool with nothing to round up": (
        [node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
        {},
        ["max_pool: {size: 2}"],
    ),
    "mean pool": (
        [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])],
        {},
        ["mean_pool: {size: 3, padding: 1, stride: 1}"],
    ),
    "mean pool with its padding": (
        [
            node(
                "AveragePool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1],
                count_include_pad=1,
            )
        ],
        {},
        ["mean_pool: {size: 2, padding: 1, count_padding: true}"],
    ),
    "mean pool of the whole map": (
        [node("AveragePool", "x", "y", kernel_shape=[8, 8])],
        {},
        ["global_mean_pool: {keep_axes: true}"],
    ),
    "global pool and flatten": (
        [node("GlobalAveragePool", "x", "p"), node("Flatten", "p", "y")],
        {},
        ["global_mean_pool"],
    ),
    "mean over the spatial axes": (
        [node("ReduceMean", "x", "y", axes=[2, 3], keepdims=0)],
        {},
        ["global_mean_pool"],
    ),
    "maximum over the spatial axes": (
        [node("GlobalMaxPool", "x", "p"), node("Squeeze", "p axes", "y")],
        {"axes": np.asarray([2, 3])},
        ["global_max_pool"],
    ),
    "clip to 6": (
        [node("Clip", "x low high", "y")],
        {"low": np.float32(0), "high": np.float32(6)},
        ["relu6"],
    ),
    "leaky relu": ([node("LeakyRelu", "x", "y", alpha=0.2)], {}, ["leaky_relu: {slope: 0.2}"]),
    "elu": ([node("Elu", "x", "y", alpha=0.5)], {}, ["elu: {alpha: 0.5}"]),
    "selu": ([node("Selu", "x", "y")], {}, ["selu"]),
    "prelu": ([node("PRelu", "x s", "y")], {"s": random(4, 1, 1)}, ["prelu"]),
    "prelu of one slope": ([node("PRelu", "x s", "y")], {"s": random(1)}, ["prelu: {per: layer}"]),
    "prelu of cells": ([node("PRelu", "x s", "y")], {"s": random(4, 8, 8)}, ["prelu: {per: cell}"]),
    "hard swish": ([node("HardSwish", "x", "y")], {}, ["hard_silu"]),
    "softmax": ([node("Softmax", "x", "y", axis=1)], {}, ["softmax"]),
    "log softmax": ([node("LogSoftmax", "x", "y", axis=1)], {}, ["log_softmax"]),
    "pad of the edge": (
        [node("Pad", "x p", "y", mode="edge")],
        {"p": np.asarray([0, 0, 1, 2, 0, 0, 1, 2])},
        ["pad: {padding: [1, 2], padding_mode: edge}"],
    ),
    "pad of channels": (
        [node("Pad", "x p", "y")],
        {"p": np.asarray([0, 2, 0, 0, 0, 3, 0, 0])},
        ["pad: {channels: [2, 3]}"],
    ),
    "slice of channels": (
        [node("Slice", "x start stop axes", "y")],
        {"start": np.asarray([1]), "stop": np.asarray([3]), "axes": np.asarray([1])},
        ["slice: {axis: channels, start: 1, stop: 3}"],
    ),
    "slice of the map": (
        [node("Slice", "x start stop axes", "y")],
        {"start": np.asarray([1, 0]), "stop": np.asarray([-1, 6]), "axes": np.asarray([2, 3])},
        ["crop: {cells: [[1, 1], [0, 2]]}"],
    ),
    "resize to the nearest": (
        [
            node(
                "Resize", "x - f", "y", mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )
        ],
        {"f": np.asarray([1, 1, 2, 3], np.float32)},
        ["upsample: {factor: [2, 3]}"],
    ),
    "resize linearly": (
        [node("Resize", "x - - s", "y", mode="linear")],
        {"s": np.asarray([1, 4, 16, 16])},
        ["upsample: {factor: 2, method: linear}"],
    ),
    "depth to space": ([node("DepthToSpace", "x", "y", blocksize=2)], {}, [
        "depth_to_space: {block: 2}"
    ]),
    "space to depth": ([node("SpaceToDepth", "x", "y", blocksize=2)], {}, [
        "space_to_depth: {block: 2}"
    ]),
    "lp pool": (
        [node("LpPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], p=3)],
        {},
        ["lp_pool: {size: 2, p: 3}"],
    ),
    "softmax over the rows of a map": (
        [node("Softmax", "x", "y", axis=2)],
        {},
        ["softmax: {over: 0}"],
    ),
    "a cast from float to float": (
        [node("Cast", "x", "c", to=1), node("Relu", "c", "y")],
        {},
        ["relu"],
    ),
    "a constant a column": (
        [node("Mul", "x c", "y")],
        {"c": random(8)},
        ["transpose: {axes: [channels, 0, 1]}", "scale"],
    ),
    "a constant each cell": (
        [node("Sub", "x c", "y")],
        {"c": random(1, 4, 8, 8)},
        ["position_embedding"],
    ),
    "the least over an axis": (
        [node("ReduceMin", "x", "y", axes=[1])],
        {},
        [
            "scale: {init: -1.0, learnt: false}",
            "reduce: {over: channels, by: max}",
            "scale: {init: -1.0, learnt: false}",
        ],
    ),
    "pixel shuffle": (
        [node("DepthToSpace", "x", "y", blocksize=2, mode="CRD")],
        {},
        ["depth_to_space: {block: 2}"],
    ),
    "the difference of two branches": (
        [
            node("Conv", "x w", "a"),
            node("Relu", "x", "b"),
            node("Sub", "a b", "y"),
        ],
        {"w": random(4, 4, 1, 1)},
        [
            "parallel:",
            "branches:",
            "[{conv: {filters: 4, kernel: 1, bias: false}}]",
            "[relu]",
            "merge: subtract",
        ],
    ),
    "transposed conv that keeps the shape": (
        [node("ConvTranspose", "x w", "y", strides=[2, 2], output_shape=[15, 15])],
        {"w": random(4, 2, 4, 4)},
        [
            ("transposed_conv: {filters: 2, kernel: 4, stride: 2, padding: [[2, 1], [2, 1]], "
            "bias: false}")
        ],
    ),
    "elements that are read by their numbers, as torch.onnx writes `as_strided`": (
        [
            node("GlobalAveragePool", "x", "p"),
            node("Reshape", "p all", "f"),
            node("Gather", "f places", "g", axis=0),
            node("Reshape", "g rows", "r"),
            node("MatMul", "r w", "y"),
        ],
        {
            "all": np.asarray([-1]),
            "places": np.arange(4).reshape(1, 4, 1, 1),
            "rows": np.asarray([1, 4]),
            "w": random(4, 5),
        },
        ["global_mean_pool", "dense: {units: 5, bias: false}"],
    ),
    "channel shuffle": (
        [
            node("Reshape", "x split", "a"),
            node("Transpose", "a", "t", perm=[0, 2, 1, 3, 4]),
            node("Reshape", "t whole", "y"),
        ],
        {"split": np.asarray([1, 2, 2, 8, 8]), "whole": np.asarray([1, 4, 8, 8])},
        ["channel_shuffle: {groups: 2}"],
    ),
    "constants that are computed": (
        [
            node("Unsqueeze", "b axes", "c"),
            node("Mul", "c two", "d"),
            node("Conv", "x w", "v"),
            node("Add", "v d", "y"),
        ],
        {
            "w": random(6, 4, 1, 1),
            "b": random(6),
            "axes": np.asarray([1, 2]),
            "two": np.float32(2),
        },
        ["conv: {filters: 6, kernel: 1}"],
    ),
}  # fmt: skip


def layers(text: str) -> list[str]:
    """The lines below `layers:`, without names."""
    lines = text.partition("layers:\n")[2].splitlines()
    found = [line.strip().removeprefix("- ") for line in lines]
    return [_unnamed(line) for line in found if not line.startswith("name: ")]


def _unnamed(line: str) -> str:
    if not line.startswith("{name: "):
        return line
    kind, _, fields = line[1:-1].partition(", ")[2].partition(": ")
    return kind if fields == "{}" else f"{kind}: {fields}"


def test_the_attention_of_opset_23(tmp_path: Path) -> None:
    """Queries, keys and values as [batch, positions, heads·channels], and their projections."""
    nodes = [
        *(node("MatMul", f"x {each}", f"{each}m") for each in "qkv"),
        node("Attention", "qm km vm", "a", q_num_heads=2, kv_num_heads=2, scale=0.25),
        node("MatMul", "a o", "y"),
    ]
    arrays = {name: random(8, 8) for name in ("q", "k", "v")} | {"o": random(8, 8)}
    path = model(tmp_path / "small.onnx", nodes, arrays, shape=(1, 6, 8), opset=23)
    imported = import_model(path)
    assert layers(imported.text) == ["attention: {heads: 2, bias: false}"]
    assert imported.parameters == 4 * 8 * 8
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


def test_a_recurrent_layer_with_the_batch_second(tmp_path: Path) -> None:
    """[steps, batch, channels], from the end: the last state is that of the first step."""
    arrays = {"w": random(1, 12, 5), "r": random(1, 12, 4)[:, :, :3], "b": random(1, 24)}
    nodes = [
        node("LSTM", "x w r b", "all last", hidden_size=3, direction="reverse"),
        node("Squeeze", "last axis", "y"),
    ]
    path = model(tmp_path / "s.onnx", nodes, {**arrays, "axis": np.asarray([0])}, shape=(6, 2, 5))
    imported = import_model(path)
    assert imported.spec.input == (6, 5)
    assert layers(imported.text) == ["lstm: {units: 3, direction: backward}"]
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5


@pytest.mark.parametrize("name", CASES)
def test_an_operator_becomes_its_layer_and_computes_the_same(name: str, tmp_path: Path) -> None:
    nodes, arrays, expected = CASES[name]
    imported = import_model(model(tmp_path / "small.onnx", nodes, arrays))
    assert layers(imported.text) == expected
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
