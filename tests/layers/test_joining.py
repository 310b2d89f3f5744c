from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnkit.layers.base import Effect, Operations
from cnnkit.layers.joining import Join, Joined
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape

LABELS = ("the current tensor", "`a`", "`b`")


def join(by: Join, *shapes: Shape) -> Effect:
    return Joined(by=by, labels=LABELS[: len(shapes)]).effect(*shapes)


def problem(by: Join, *shapes: Shape) -> Problem:
    (found,) = join(by, *shapes).problems
    return found


@pytest.mark.parametrize(
    ("by", "output", "operations"),
    [
        ("concat", (4, 4, 24), Operations()),
        ("add", (4, 4, 8), Operations(add=256)),
        ("multiply", (4, 4, 8), Operations(multiply=256)),
        ("mean", (4, 4, 8), Operations(add=256, divide=128)),
        ("maximum", (4, 4, 8), Operations(compare=256)),
        ("minimum", (4, 4, 8), Operations(compare=256)),
        ("subtract", (4, 4, 8), Operations(add=256)),
        ("divide", (4, 4, 8), Operations(divide=256)),
    ],
)
def test_three_tensors_of_one_shape(by: Join, output: Shape, operations: Operations) -> None:
    assert join(by, *[(4, 4, 8)] * 3) == Effect(output, operations=operations)


@pytest.mark.parametrize("by", ["multiply", "divide", "maximum", "minimum"])
def test_only_products_and_extremes_have_a_gradient_of_their_inputs(by: Join) -> None:
    assert Joined(by=by, labels=LABELS).gradient_reads == ("input",)


def test_sums_have_a_gradient_of_none() -> None:
    for by in ("concat", "add", "subtract", "mean"):
        assert Joined(by=by, labels=LABELS).gradient_reads == ()


@pytest.mark.parametrize(
    "shapes",
    [
        ((8, 6, 64), (64,)),  # squeeze and excitation, by dense layers
        ((8, 6, 64), (1, 1, 64)),  # and by 1x1 convolutions
        ((8, 6, 64), (8, 6, 1)),  # an attention gate, CBAM's spatial attention
        ((8, 6, 64), (1,)),
        ((8, 6, 64), (1, 1, 1)),
        ((8, 6, 64), (8, 1, 64), (1, 6, 64)),  # coordinate attention
        ((64,), (1,)),
        ((9, 64), (1, 64), (64,)),
        ((1, 1, 64), (64,)),
        ((4, 5, 6, 7), (4, 5, 6, 1)),
    ],
)
def test_factors_are_spread_over_the_largest_in_any_order(shapes: tuple[Shape, ...]) -> None:
    for order in permutations(shapes):
        effect = join("multiply", *order)
        assert (effect.output, effect.problems) == (shapes[0], ())


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
)
def test_a_product_is_numpys_where_one_input_has_the_shape_of_the_output(
    one: list[int], other: list[int]
) -> None:
    assume(len(one) == len(other) or 1 in (len(one), len(other)))
    rank = max(len(one), len(other))
    padded = [[1] * (rank - len(shape)) + shape for shape in (one, other)]
    spread = [max(pair) for pair in zip(*padded, strict=True)]
    fits = all(
        extent in (1, wide) for shape in padded for extent, wide in zip(shape, spread, strict=True)
    )
    effect = join("multiply", tuple(one), tuple(other))
    assert (effect.output is not None) == (fits and spread in (one, other))
    assert effect.output in (None, tuple(spread))


CONV = "`conv: {{filters: {}}}` on the second would give it the first one's shape"
FACTORS = (
    "the factors of 8x8x64 are 8x8x64, 8x8x1 (one a cell) or 64 (one a channel); "
    "`upsample: {to: NAME}` gives a map the extents of another"
)


@pytest.mark.parametrize(
    ("by", "shapes", "what", "why", "advice"),
    [
        ("multiply", ((8, 8, 64), (16,)), "8x8x64 of the current tensor and 16 of `a`",
         "they differ in channels 64 and 16", FACTORS),
        ("multiply", ((4, 4, 1), (8, 8, 64)), "8x8x64 of `a` and 4x4x1 of the current tensor",
         "they differ in height 8 and 4, width 8 and 4", FACTORS),
        ("multiply", ((8, 8, 64), (1, 1, 64), (1, 1, 32)),
         "8x8x64 of the current tensor and 1x1x32 of `b`",
         "they differ in channels 64 and 32", FACTORS),
        ("multiply", ((8, 8, 64), (64, 64)), "8x8x64 of the current tensor and 64x64 of `a`",
         "one has 2 spatial axes, the other 1", FACTORS),
        ("multiply", ((8, 8, 1), (1, 1, 64)), "8x8x1 of the current tensor and 1x1x64 of `a`",
         "they differ in channels 1 and 64", "the factors of 8x8x1 are 8x8x1 or 1"),
        ("multiply", ((64,), (16,)), "64 of the current tensor and 16 of `a`",
         "they differ in channels 64 and 16", "the factors of 64 are 64 or 1"),
        ("add", ((8, 8, 64), (1, 1, 64)), "8x8x64 of the current tensor and 1x1x64 of `a`",
         "they differ in height 8 and 1, width 8 and 1",
         "`upsample: {to: NAME}` spreads the one cell of the second over a saved map"),
        ("add", ((1, 1, 64), (8, 8, 64)), "1x1x64 of the current tensor and 8x8x64 of `a`",
         "they differ in height 1 and 8, width 1 and 8",
         "`upsample: {to: NAME}` spreads the one cell of the first over a saved map"),
        ("add", ((1, 1, 64), (1, 1, 32)), "1x1x64 of the current tensor and 1x1x32 of `a`",
         "they differ in channels 64 and 32", CONV.format("64, kernel: 1")),
        ("add", ((28, 28, 128), (55, 55, 64)),
         "28x28x128 of the current tensor and 55x55x64 of `a`",
         "they differ in height 28 and 55, width 28 and 55, channels 128 and 64",
         CONV.format("128, kernel: 1, stride: 2")),
        ("concat", ((9, 9, 4), (8, 9, 2)), "9x9x4 of the current tensor and 8x9x2 of `a`",
         "they differ in height 9 and 8",
         "make the strides and paddings of both agree, or `crop` the larger one"),
        ("add", ((9, 9, 4), (4,)), "9x9x4 of the current tensor and 4 of `a`",
         "one has 2 spatial axes, the other 0",
         ("bring both to one rank with `flatten`, `reshape` or a global pool; "
          "`reshape: {shape: [1, 1, 4]}` and then `upsample: {to: NAME}` lay a vector at each "
          "cell of a saved map")),
        ("add", ((9, 9, 4), (5,)), "9x9x4 of the current tensor and 5 of `a`",
         "one has 2 spatial axes, the other 0",
         "bring both to one rank with `flatten`, `reshape` or a global pool"),
        ("maximum", ((8,), (4,)), "8 of the current tensor and 4 of `a`",
         "they differ in channels 8 and 4",
         "`dense: {units: 8}` on the second would give it the first one's length"),
    ],
)  # fmt: skip
def test_the_text_of_each_mismatch(
    by: Join, shapes: tuple[Shape, ...], what: str, why: str, advice: str
) -> None:
    message = f"cannot {by} {what}: {why}"
    assert problem(by, *shapes) == Problem("shape-mismatch", message, advice)


def test_concat_goes_along_any_axis() -> None:
    maps = Joined(by="concat", labels=LABELS, axis=0)
    assert maps.effect((4, 5, 8), (2, 5, 8), (1, 5, 8)) == Effect((7, 5, 8))
    assert Joined(by="concat", labels=LABELS[:2], axis=1).effect((4, 5, 8), (4, 2, 8)) == Effect(
        (4, 7, 8)
    )


@pytest.mark.parametrize(
    ("axis", "shapes", "message", "advice", "field"),
    [
        (
            0,
            ((4, 5, 8), (4, 6, 8)),
            (
                "cannot concat 4x5x8 of the current tensor and 4x6x8 of `a`: they differ in "
                "width 5 and 6"
            ),
            "make all other axes of both agree; `axis: channels` joins the channels",
            (),
        ),
        (
            1,
            ((4, 8), (4, 8)),
            "there is no axis 1: the current tensor 4x8 has 1 spatial axis",
            "spatial axes count from 0, and `channels` is the last axis",
            ("axis",),
        ),
        (
            0,
            ((8,), (8,)),
            "there is no axis 0: the current tensor 8 has no spatial axes",
            "spatial axes count from 0, and `channels` is the last axis",
            ("axis",),
        ),
    ],
)
def test_what_does_not_lie_end_to_end(
    axis: int, shapes: tuple[Shape, ...], message: str, advice: str, field: tuple[str, ...]
) -> None:
    (found,) = Joined(by="concat", labels=LABELS[:2], axis=axis).effect(*shapes).problems
    assert found == Problem("shape-mismatch", message, advice, field)


def test_divisors_are_spread_over_the_first() -> None:
    assert join("divide", (8, 6, 64), (64,)).output == (8, 6, 64)
    assert join("divide", (8, 6, 64), (8, 6, 1)).output == (8, 6, 64)
    found = problem("divide", (8, 6, 1), (8, 6, 64))
    assert found.message == (
        "cannot divide 8x6x1 of the current tensor and 8x6x64 of `a`: they differ in channels "
        "1 and 64"
    )
    assert found.help == "the divisors of 8x6x1 are 8x6x1 or 1"
