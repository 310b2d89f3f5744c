"""A window's arithmetic, held to the lecture's numbers and to calculations by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.playground.calculator.numbers import source_of
from tests.playground.asking import ask, lecture


def outcomes(text: str, cells: int, **details: object) -> list[float]:
    """The result in each cell of a signal."""
    found = [ask("walk", text=text, path="layers.0", cell=[i], **details) for i in range(cells)]
    return [each["result"] for each in found]


def test_the_edge_filter_gives_6() -> None:
    found = ask("walk", text=lecture("edge-filter"), path="layers.0", cell=[0, 0])
    assert found["result"] == 6
    assert found["equation"] == ("7·1 + 2·0 + 3·(−1) + 4·1 + 5·0 + 3·(−1) + 3·1 + 3·0 + 2·(−1) = 6")
    assert [term["product"] for term in found["terms"]] == [7, 0, -3, 4, 0, -3, 3, 0, -2]


def test_the_colour_filter_gives_minus_25() -> None:
    found = ask("walk", text=lecture("rgb-filter"), path="layers.0", cell=[0, 0])
    assert found["sums"] == [308, -498, 164]
    assert found["bias"] == 1
    assert found["by_channel"] == "308 − 498 + 164 + 1 = −25"
    assert found["reads"] == [[-1, 0, 1], [-1, 0, 1]]
    assert found["map"]["first"] == [-1, -1]
    assert found["map"]["cells"][0][0] == {"value": 0, "inside": False}
    assert found["map"]["cells"][1][1] == {"value": 156, "inside": True}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("padding-zeros", [8, -4, 8, -10, -6]),
        ("padding-edge", [9, -4, 8, -10, -21]),
        ("padding-reflect", [10, -4, 8, -10, 6]),
    ],
)
def test_the_three_paddings_of_the_lecture(name: str, values: list[float]) -> None:
    assert outcomes(lecture(name), 5) == values


@pytest.mark.parametrize(
    ("name", "equation"),
    [("max-pool-2x2", "max(1, 2, 6, 7) = 7"), ("mean-pool-2x2", "(1 + 2 + 6 + 7) / 4 = 4")],
)
def test_the_pools_of_the_lecture(name: str, equation: str) -> None:
    found = ask("walk", text=lecture(name), path="layers.0", cell=[0, 0])
    assert found["equation"] == equation


def test_a_mean_leaves_padding_out_unless_it_is_to_count() -> None:
    text = "input: 4x1\nlayers: [{mean_pool: {size: 2, stride: 1, padding: 1%s}}]"
    numbers = [6, 2, 4, 8]
    assert outcomes(text % "", 5, numbers=numbers) == [6, 4, 3, 6, 8]
    assert outcomes(text % ", count_padding: true", 5, numbers=numbers) == [3, 4, 3, 6, 4]


def test_a_transposed_convolution_adds_what_lands_on_a_cell() -> None:
    text = (
        "input: 2x1\nlayers:\n  - transposed_conv: {filters: 1, kernel: 3, stride: 2, bias: false, "
        "weights: [[[1]], [[10]], [[100]]]}"
    )
    assert outcomes(text, 5, numbers=[1, 2]) == [1, 10, 100 + 2, 20, 200]


def test_dilation_stride_and_groups() -> None:
    text = (
        "input: 5x2\nlayers:\n  - conv: {filters: 2, kernel: 2, dilation: 2, stride: 2, groups: 2, "
        "bias: [0, 5], weights: [[[1, 3]], [[2, 4]]]}"
    )
    numbers = [1, 10, 2, 20, 3, 30, 4, 40, 5, 50]  # channels 1 … 5 and 10 … 50
    assert outcomes(text, 2, numbers=numbers) == [1 + 2 * 3, 3 + 2 * 5]
    assert outcomes(text, 2, numbers=numbers, channel=1) == [
        3 * 10 + 4 * 30 + 5,
        3 * 30 + 4 * 50 + 5,
    ]


def test_a_global_pool_reads_all() -> None:
    text = "input: 2x2x2\nlayers: [global_max_pool]"
    found = ask("walk", text=text, path="layers.0", channel=1, numbers=[1, 5, 2, 6, 3, 7, 4, 8])
    assert found["equation"] == "max(5, 6, 7, 8) = 8"


def test_a_layer_without_a_window_has_no_walk() -> None:
    assert ask("walk", text="input: 4\nlayers: [relu]", path="layers.0") is None
    assert ask("walk", text="input: 4\nlayers: [relu]", path="layers.7") is None


def test_shared_weights_walk_like_their_owner() -> None:
    text = (
        "input: 3x1\nlayers:\n  - {name: a, conv: {filters: 1, kernel: 3, padding: same, bias: "
        "false, weights: [[[1]], [[2]], [[3]]]}}\n  - shared: a\n"
    )
    analysed = ask("account", text=text)
    paths = [row["path"] for row in analysed["rows"]]
    inner = paths[-1]
    found = ask("walk", text=text, path=inner, cell=[1], numbers=[1, 1, 1])
    assert found["result"] == 6


@pytest.mark.parametrize(
    ("mode", "theirs"), [("edge", "edge"), ("reflect", "reflect"), ("circular", "wrap")]
)
def test_padding_repeats_the_cells_that_numpy_repeats(mode: str, theirs: str) -> None:
    padded = np.pad(np.arange(4), 3, mode=theirs)  # type: ignore[call-overload]
    assert [source_of(index, 4, mode) for index in range(-3, 7)] == padded.tolist()
    assert source_of(-1, 4, "zeros") is None
