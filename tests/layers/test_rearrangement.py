from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnkit.layers import layer_class
from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Reach

HUGE = 10**18


def build(kind: str, block: Any) -> Layer:
    return layer_class(kind).model_validate({"block": block})


@pytest.mark.parametrize(
    ("block", "small", "large"),
    [
        (3, (8, 8, 36), (24, 24, 4)),
        ([1, 3], (8, 8, 36), (8, 24, 12)),
        (2, (5, 8), (10, 4)),
        (2, (2, 3, 4, 8), (4, 6, 8, 1)),
        (1, (7, 7, 3), (7, 7, 3)),
        (HUGE, (2, 2, HUGE**2), (2 * HUGE, 2 * HUGE, 1)),
    ],
)
def test_the_two_are_each_others_inverse(block: Any, small: Shape, large: Shape) -> None:
    up = build("depth_to_space", block).effect(small)
    down = build("space_to_depth", block).effect(large)
    assert (up.output, down.output) == (large, small)
    for effect in (up, down):
        assert effect == Effect(effect.output, reach=effect.reach)  # no weights, no work


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 19))
def test_a_cell_of_a_block_lies_at_its_half_pixel(block: int, extent: int, cell: int) -> None:
    effect = build("depth_to_space", block).effect((extent, block))
    assert effect.reach is not None
    ((size, stride, before),) = effect.reach
    assert (size, stride) == (1, Fraction(1, block))
    assert cell * stride - before == (cell + Fraction(1, 2)) / block - Fraction(1, 2)


def test_a_block_of_cells_is_read_at_once() -> None:
    assert build("space_to_depth", [2, 3]).effect((8, 9, 1)).reach == (
        Reach(2, 2, 0),
        Reach(3, 3, 0),
    )


@pytest.mark.parametrize(
    ("kind", "block", "shape", "message", "advice", "field"),
    [
        ("depth_to_space", 2, (4, 4, 30),
         "input channels (=30) must be divisible by the 4 cells of a `block` of 2x2",
         "give the layer before 28 or 32 filters", ("block",)),
        ("depth_to_space", [2, 3], (4, 4, 3),
         "input channels (=3) must be divisible by the 6 cells of a `block` of 2x3",
         "give the layer before 6 filters", ("block",)),
        ("depth_to_space", [2], (4, 4, 4),
         "`block` has 1 entry, the input has 2 axes: height and width",
         "give one number for all axes, or one for each axis", ("block",)),
        ("space_to_depth", [2, 2], (4, 4),
         "`block` has 2 entries, the input has 1 axis: length",
         "give one number for all axes, or one for each axis", ("block",)),
        ("space_to_depth", 2, (8, 9, 3), "the width of 9 must be divisible by the `block` (=2)",
         "`crop` the map to 8x8; `pad` the map to 8x10", ("block",)),
        ("space_to_depth", 4, (3, 8, 3), "the height of 3 must be divisible by the `block` (=4)",
         "`pad` the map to 4x8", ("block",)),
        ("space_to_depth", 2, (9, 15, 3), "the height of 9 must be divisible by the `block` (=2)",
         "`crop` the map to 8x14; `pad` the map to 10x16; blocks that divide 9x15: 3",
         ("block",)),
        ("depth_to_space", 2, (9,),
         "depth_to_space takes a feature map, the input is a vector of 9",
         "put it before what makes the vector, or `reshape` the vector to a map that it fits", ()),
        ("depth_to_space", 1, (9,),
         "depth_to_space takes a feature map, the input is a vector of 9",
         "give the vector an axis: `input: 9x1`, or `reshape: {shape: [9, 1]}`", ()),
    ],
)  # fmt: skip
def test_the_text_of_each_problem(
    kind: str, block: Any, shape: Shape, message: str, advice: str, field: tuple[str, ...]
) -> None:
    problem = Problem("shape-mismatch", message, advice, field)
    assert build(kind, block).effect(shape) == Effect(None, problems=(problem,))


def test_tensorflows_order_is_what_the_words_say() -> None:
    """The rows of tf.nn.depth_to_space's documentation, by the formula of our docstring."""
    block, channels, extent = 2, 1, 2
    rows = [[[1, 2, 3, 4], [5, 6, 7, 8]], [[9, 10, 11, 12], [13, 14, 15, 16]]]
    large: dict[tuple[int, int], int] = {}
    for i, j, p, q in product(range(extent), range(extent), range(block), range(block)):
        large[block * i + p, block * j + q] = rows[i][j][(block * p + q) * channels]
    assert [[large[i, j] for j in range(4)] for i in range(4)] == [
        [1, 2, 5, 6],
        [3, 4, 7, 8],
        [9, 10, 13, 14],
        [11, 12, 15, 16],
    ]
