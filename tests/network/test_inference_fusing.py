"""What a network is in the instructions of the extension, and what becomes one of several."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit
from cnnkit.network import build
from cnnkit.network.inference import engine_of
from cnnkit.network.inference.fusing import fused
from cnnkit.network.inference.lowering import lowered
from cnnkit.network.kernels import onednn
from cnnkit.network.kernels.onednn.inference import Instruction, Post
from cnnkit.spec.graph import INPUT
from cnnkit.spec.tracing import graph_of


def values(count: int) -> list[tuple[int, ...]]:
    return [(8, 8, 4)] * count


def said(instructions: list[Instruction]) -> list[tuple[str, int, tuple[int, ...], list[Post]]]:
    return [(each.kind, each.output, each.inputs, each.posts) for each in instructions]


RELU = Post("relu")


def test_functions_and_sums_become_part_of_the_convolution_before() -> None:
    # y = relu(conv(relu(conv(x))) + x)
    program = [
        Instruction("convolution", 1, (0,)),
        Instruction("function", 2, (1,), posts=[RELU]),
        Instruction("convolution", 3, (2,)),
        Instruction("binary", 4, (3, 0), "add"),
        Instruction("function", 5, (4,), posts=[RELU]),
    ]
    assert said(fused(program, [5], values(6))) == [
        ("convolution", 2, (0,), [RELU]),
        ("convolution", 5, (2,), [Post("", value=0), RELU]),
    ]


def test_a_sum_of_two_convolutions_becomes_part_of_the_later_one() -> None:
    program = [
        Instruction("convolution", 1, (0,)),
        Instruction("convolution", 2, (0,)),
        Instruction("binary", 3, (2, 1), "add"),
    ]
    assert said(fused(program, [3], values(4))) == [
        ("convolution", 1, (0,), []),
        ("convolution", 3, (0,), [Post("", value=1)]),
    ]


def test_what_is_read_elsewhere_too_stays() -> None:
    program = [
        Instruction("convolution", 1, (0,)),
        Instruction("function", 2, (1,), posts=[RELU]),
        Instruction("pool", 3, (1,)),
        Instruction("function", 4, (3,), posts=[RELU]),
    ]
    unchanged = said(program)
    assert said(fused(program, [2, 4], values(5))) == unchanged
    asked_for = program[:2]
    assert said(fused(asked_for, [1, 2], values(3))) == unchanged[:2]


def test_a_function_of_a_convolution_that_adds_stays_before_a_second_sum() -> None:
    program = [
        Instruction("convolution", 1, (0,)),
        Instruction("function", 2, (1,), posts=[RELU]),
        Instruction("binary", 3, (2, 0), "add"),
    ]
    assert said(fused(program, [3], values(4))) == [
        ("convolution", 2, (0,), [RELU]),
        ("binary", 3, (2, 0), []),
    ]


def test_a_batch_norm_alone_is_a_factor_and_a_shift() -> None:
    graph = graph_of(cnnkit.load("{input: 4x4x2, layers: [batch_norm: {epsilon: 1}]}"))
    arrays = {
        "layers.0.scale": [2, 3], "layers.0.shift": [1, 0], "layers.0.mean": [4, 5],
        "layers.0.variance": [3, 8],
    }  # fmt: skip
    made = lowered(graph, 0, {name: np.array(array, np.float32) for name, array in arrays.items()})
    assert made is not None
    assert (made.kind, made.output, made.inputs) == ("affine", 0, (INPUT,))
    assert made.weights is not None
    assert made.bias is not None
    assert made.weights.tolist() == [1, 1]  # 2/√(3 + 1), 3/√(8 + 1)
    assert made.bias.tolist() == [-3, -5]  # 1 − 4·1, 0 − 5·1


@pytest.mark.parametrize(
    "layer",
    [
        "conv: {filters: 2, kernel: 3, padding: 1, padding_mode: reflect}",
        "max_pool: {size: 2, stride: 1, dilation: 2}",
        "mean_pool: {size: 4, stride: 2, padding: 1, count_padding: true, rounding: ceil}",
        "global_max_pool",
        "transposed_conv: {filters: 2, kernel: 2}",
        "pad: {padding: 1}",
        "flatten",
        "selu",
    ],
)
def test_what_the_extension_cannot_say_is_no_instruction(layer: str) -> None:
    graph = graph_of(cnnkit.load(f"input: 5x5x2\nlayers:\n  - {layer}\n"))
    assert lowered(graph, 0, {}) is None


def test_without_the_extension_there_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        onednn, "load", lambda: onednn.Availability(False, False, "it is not installed")
    )
    spec = cnnkit.load("{input: 4x4x2, layers: [conv: {filters: 2, kernel: 3}]}")

    def never() -> tuple[dict[str, np.ndarray], frozenset[int]]:
        raise AssertionError("nothing is folded in vain")

    assert engine_of(graph_of(spec), build(spec), never) is None
