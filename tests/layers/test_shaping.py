from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnkit.layers import layer_class
from cnnkit.layers.base import Effect, Layer, Operations, Weight
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Reach

HUGE = 10**18


def build(kind: str, **fields: Any) -> Layer:
    return layer_class(kind).model_validate(fields)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "output"),
    [
        ("flatten", {}, (8, 8, 4), (256,)),
        ("flatten", {}, (150,), (150,)),
        ("flatten", {}, (256, 256, 256, 1), (256**3,)),
        ("flatten", {}, (HUGE, HUGE, 3), (3 * HUGE**2,)),
        ("reshape", {"shape": [10, 15]}, (150,), (10, 15)),
        ("reshape", {"shape": [-1, 3]}, (4, 5, 6), (40, 3)),
        ("reshape", {"shape": [-1]}, (4, 5, 6), (120,)),
        ("pad", {"padding": 2}, (32, 32, 3), (36, 36, 3)),
        ("pad", {"padding": [1, [0, 3]]}, (8, 8, 3), (10, 11, 3)),
        ("pad", {"padding": 0}, (100, 1), (100, 1)),
        ("crop", {"cells": 4}, (64, 64, 8), (56, 56, 8)),
        ("crop", {"cells": [1, [0, 3]]}, (8, 8, 3), (6, 5, 3)),
        ("upsample", {"factor": 2}, (16, 16, 8), (32, 32, 8)),
        ("upsample", {"factor": [1, 3], "method": "linear"}, (4, 5, 2), (4, 15, 2)),
        ("channel_shuffle", {"groups": 3}, (8, 8, 6), (8, 8, 6)),
        ("channel_slice", {"start": 2, "stop": 5}, (8, 8, 6), (8, 8, 3)),
        ("channel_slice", {"stop": 5}, (6,), (5,)),
        ("channel_slice", {"start": 2}, (8, 8, 6), (8, 8, 4)),
        ("scale", {}, (8, 8, 6), (8, 8, 6)),
    ],
)
def test_the_output(kind: str, fields: dict[str, Any], shape: Shape, output: Shape) -> None:
    effect = build(kind, **fields).effect(shape)
    assert (effect.output, effect.problems) == (output, ())
    assert (effect.neurons, effect.macs) == ((), ())


def test_a_vector_made_of_a_map_reads_all_of_it() -> None:
    assert build("flatten").effect((8, 9, 4)).reach == (Reach(8, 1, 0), Reach(9, 1, 0))
    assert build("flatten").effect((8,)).reach is None
    assert build("reshape", shape=[8, 4]).effect((2, 2, 8)).reach == (Reach(2, 1, 0),) * 2
    assert build("reshape", shape=[2, 2, 8]).effect((2, 2, 8)).reach is None
    assert build("reshape", shape=[2, 4]).effect((8,)).reach is None


def test_padding_and_cropping_shift_the_axes() -> None:
    assert build("pad", padding=[[1, 2]]).effect((8, 1)).reach == (Reach(1, 1, 1),)
    assert build("crop", cells=[[1, 2]]).effect((8, 1)).reach == (Reach(1, 1, -1),)


@given(st.integers(1, 9), st.tuples(st.integers(0, 5), st.integers(0, 5)), st.integers(1, 3))
def test_a_crop_undoes_a_pad(extent: int, sides: tuple[int, int], channels: int) -> None:
    shape = (extent, extent, channels)
    padded = build("pad", padding=[sides, 1]).effect(shape).output
    assert padded is not None
    assert build("crop", cells=[sides, 1]).effect(padded).output == shape


def test_an_upsampling_has_half_pixel_centres() -> None:
    nearest = build("upsample", factor=2).effect((4, 1))
    assert nearest.reach == (Reach(1, Fraction(1, 2), Fraction(1, 4)),)
    assert nearest.operations == Operations()
    linear = build("upsample", factor=2, method="linear").effect((4, 1))
    assert linear.reach == (Reach(2, Fraction(1, 2), Fraction(3, 4)),)


def test_a_linear_upsampling_weighs_two_cells_an_axis_that_grows() -> None:
    bilinear = build("upsample", factor=2, method="linear").effect((4, 4, 3))
    assert bilinear.operations == Operations(multiply=4, add=3).times(8 * 8 * 3)
    along_one = build("upsample", factor=[1, 2], method="linear").effect((4, 4, 3))
    assert along_one.operations == Operations(multiply=2, add=1).times(4 * 8 * 3)
    assert build("upsample", factor=1, method="linear").effect((4, 1)).operations == Operations()


def test_a_scale_learns_a_factor_a_channel() -> None:
    effect = build("scale", init=1e-6).effect((8, 8, 6))
    assert effect.weights == (Weight("scale", (6,)),)
    assert effect.operations == Operations(multiply=384)


def test_a_constant_scale_learns_nothing_and_its_gradient_reads_nothing() -> None:
    constant = build("scale", init=0.17, learnt=False)
    effect = constant.effect((8, 8, 6))
    assert effect == Effect((8, 8, 6), operations=Operations(multiply=384))
    assert constant.gradient_reads == ()
    assert build("scale").gradient_reads == ("input",)


def test_huge_maps_are_exact() -> None:
    shape = (HUGE, HUGE, 3)
    assert build("pad", padding=1).effect(shape).output == (HUGE + 2, HUGE + 2, 3)
    assert build("crop", cells=1).effect(shape).output == (HUGE - 2, HUGE - 2, 3)
    assert build("upsample", factor=HUGE).effect(shape).output == (HUGE**2, HUGE**2, 3)
    assert build("reshape", shape=[-1, 3]).effect(shape).output == (HUGE**2, 3)


def crop_to(graph: Any, shape: Shape, reference: Shape | None) -> Shape | None:
    if reference is not None:
        graph.save("skip", graph.start(reference))
    output: Shape | None = build("crop", to="skip").trace(graph, graph.start(shape)).shape
    return output


def test_a_crop_to_a_saved_tensor_keeps_the_middle(graph: Any) -> None:
    # The first skip of the U-Net of Ronneberger et al., 2015.
    assert crop_to(graph, (568, 568, 64), (392, 392, 128)) == (392, 392, 64)
    assert graph.effects["crop"].reach == (Reach(1, 1, -88),) * 2


def test_a_crop_to_the_same_extents_cuts_nothing(graph: Any) -> None:
    assert crop_to(graph, (9, 5, 1), (9, 5, 7)) == (9, 5, 1)


def test_the_odd_cell_is_cut_off_after(graph: Any) -> None:
    assert crop_to(graph, (9, 1), (4, 7)) == (4, 1)
    assert graph.effects["crop"].reach == (Reach(1, 1, -2),)


def test_after_an_unknown_name_the_shape_is_unknown(graph: Any) -> None:
    assert crop_to(graph, (9, 1), None) is None
    assert [found.field for found in graph.problems] == [("to",)]


@pytest.mark.parametrize(
    ("shape", "reference", "message", "advice"),
    [
        ((9, 5, 1), (4, 7, 1), "the width of 5 cannot be cropped to the 7 of `skip`",
         "crop `skip` instead, or enlarge the input first, with `pad` or `upsample`"),
        ((9, 5, 1), (4, 1), "the input 9x5x1 and `skip`, 4x1, differ in their axes",
         "crop to a tensor of as many axes"),
    ],
)  # fmt: skip
def test_what_a_crop_cannot_reach(
    graph: Any, shape: Shape, reference: Shape, message: str, advice: str
) -> None:
    assert crop_to(graph, shape, reference) is None
    assert graph.problems == [Problem("shape-mismatch", message, advice, ("to",))]


def upsample_to(graph: Any, shape: Shape, reference: Shape | None, **fields: Any) -> Any:
    if reference is not None:
        graph.save("skip", graph.start(reference))
    return build("upsample", to="skip", **fields).trace(graph, graph.start(shape)).shape


def test_an_upsampling_takes_the_extents_of_a_saved_tensor(graph: Any) -> None:
    assert upsample_to(graph, (10, 19, 256), (19, 19, 512)) == (19, 19, 256)
    # 19 cells over 10: the first is centred at 1/2·10/19 − 1/2, the axis of 19 stays.
    between = Reach(1, Fraction(10, 19), Fraction(9, 38))
    assert graph.effects["upsample"].reach == (between, Reach(1, 1, 0))
    assert graph.effects["upsample"].operations == Operations()


def test_a_linear_upsampling_to_a_tensor_weighs_the_axes_that_grow(graph: Any) -> None:
    assert upsample_to(graph, (10, 19, 4), (19, 19, 1), method="linear") == (19, 19, 4)
    effect = graph.effects["upsample"]
    assert [reach.size for reach in effect.reach] == [2, 1]
    assert effect.operations == Operations(multiply=2, add=1).times(19 * 19 * 4)


@given(st.integers(1, 9), st.integers(1, 5))
def test_a_factor_says_what_a_tensor_as_large_says(extent: int, factor: int) -> None:
    for method in ("nearest", "linear"):
        by_factor = build("upsample", factor=factor, method=method).effect((extent, 2))
        to = build("upsample", to="skip", method=method)
        assert to.effect((extent, 2), (extent * factor, 7)) == by_factor


@pytest.mark.parametrize(
    ("shape", "reference", "message", "advice"),
    [
        ((9, 5, 1), (9, 4, 1), "the width of 5 cannot be enlarged to the 4 of `skip`",
         "upsample `skip` instead, or make the input smaller, with `crop` or a pool"),
        ((9, 5, 1), (9, 1), "the input 9x5x1 and `skip`, 9x1, differ in their axes",
         "upsample to a tensor of as many axes"),
    ],
)  # fmt: skip
def test_what_an_upsampling_cannot_reach(
    graph: Any, shape: Shape, reference: Shape, message: str, advice: str
) -> None:
    assert upsample_to(graph, shape, reference) is None
    assert graph.problems == [Problem("shape-mismatch", message, advice, ("to",))]


def test_an_upsampling_to_a_tensor_that_is_not_saved(graph: Any) -> None:
    assert upsample_to(graph, (9, 1), None) is None
    assert [problem.rule for problem in graph.problems] == ["unknown-name"]


def test_a_crop_of_cells_reads_one_tensor(graph: Any) -> None:
    assert build("crop", cells=1).trace(graph, graph.start((9, 1))).shape == (7, 1)


VECTOR = "give the vector an axis: `input: 9x1`, or `reshape: {shape: [9, 1]}`"


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "rule", "message", "advice", "field"),
    [
        ("reshape", {"shape": [30, 30, 3]}, (32, 32, 3), "shape-mismatch",
         "the input 32x32x3 has 3072 elements, the shape 30x30x3 has 2700",
         "a reshape keeps all elements; -1 stands for what the other extents leave", ("shape",)),
        ("reshape", {"shape": [-1, 7]}, (150,), "shape-mismatch",
         "the input 150 has 150 elements, which the other extents of -1x7 (=7) do not divide",
         "a reshape keeps all elements; -1 stands for what the other extents leave", ("shape",)),
        ("pad", {"padding": 1}, (9,), "shape-mismatch",
         "pad takes a feature map, the input is a vector of 9", VECTOR, ()),
        ("pad", {"padding": [1, 1, 1]}, (9, 1), "shape-mismatch",
         "`padding` has 3 entries, the input has 1 axis: length",
         "give one number for all axes, or one for each axis", ("padding",)),
        ("pad", {"padding": 3, "padding_mode": "reflect"}, (3, 1), "padding-too-large",
         "`padding_mode: reflect` has 3 cells to fill 3 cells of padding on one side, it needs 4",
         "`padding: 2` gives 7; `padding_mode: edge` gives 9",
         ("padding", 0)),
        ("crop", {"cells": [0, [2, 3]]}, (9, 5, 1), "shape-mismatch",
         "2 + 3 cells off the width of 5 leave nothing",
         "`cells: [0, 2]` gives 9x1", ("cells", 1)),
        ("crop", {"cells": 4}, (9, 5, 1), "shape-mismatch",
         "4 + 4 cells off the width of 5 leave nothing", "`cells: 2` gives 5x1", ("cells", 1)),
        ("crop", {"cells": [1, 1]}, (9, 1), "shape-mismatch",
         "`cells` has 2 entries, the input has 1 axis: length",
         "give one number for all axes, or one for each axis", ("cells",)),
        ("crop", {"cells": 1}, (9,), "shape-mismatch",
         "crop takes a feature map, the input is a vector of 9", VECTOR, ()),
        ("upsample", {"factor": [2, 2]}, (9, 1), "shape-mismatch",
         "`factor` has 2 entries, the input has 1 axis: length",
         "give one number for all axes, or one for each axis", ("factor",)),
        ("upsample", {"factor": 2}, (9,), "shape-mismatch",
         "upsample takes a feature map, the input is a vector of 9", VECTOR, ()),
        ("channel_shuffle", {"groups": 4}, (8, 8, 6), "shape-mismatch",
         "input channels (=6) must be divisible by `groups` (=4)",
         "groups that divide 6 channels: 1, 2, 3, 6", ("groups",)),
        ("channel_slice", {"start": 1, "stop": 7}, (8, 8, 6), "shape-mismatch",
         "`stop` (=7) is beyond the 6 channels of the input",
         "`stop` is at most 6; channels count from 0", ("stop",)),
        ("channel_slice", {"start": 6, "stop": 7}, (8, 8, 6), "shape-mismatch",
         "`stop` (=7) is beyond the 6 channels of the input",
         "the 6 channels are 0 to 5: give `start` and `stop` among them", ("stop",)),
        ("channel_slice", {"start": 6}, (8, 8, 6), "shape-mismatch",
         "`start` (=6) is beyond the 6 channels of the input",
         "`start` is at most 5; channels count from 0", ("start",)),
    ],
)  # fmt: skip
def test_the_text_of_each_problem(
    kind: str,
    fields: dict[str, Any],
    shape: Shape,
    rule: str,
    message: str,
    advice: str,
    field: tuple[str | int, ...],
) -> None:
    effect = build(kind, **fields).effect(shape)
    assert effect == Effect(None, problems=(Problem(rule, message, advice, field),))


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("crop", {}, "crop needs `cells`, a number off each side, or `to`, the name of a saved"),
        ("crop", {"cells": 1, "to": "skip"}, "crop takes `cells` or `to`, not both"),
        ("reshape", {"shape": [-1, -1]}, "holds more than one -1"),
        ("reshape", {"shape": [0, 3]}, "holds an extent below 1 that is not -1"),
        ("reshape", {"shape": []}, "at least 1 item"),
        ("reshape", {"shape": [1] * 5}, "at most 4 items"),
        ("pad", {"padding": "same"}, "valid integer"),
        ("channel_slice", {"start": 3, "stop": 3}, r"`start` \(=3\) must be below `stop` \(=3\)"),
        ("channel_slice", {"start": -1, "stop": 3}, "greater than or equal to 0"),
        ("upsample", {"factor": 2, "method": "bilinear"}, "'nearest' or 'linear'"),
        ("upsample", {"factor": 0.5}, "greater than or equal to 1"),
        (
            "upsample",
            {},
            "upsample needs `factor`, how many times the extent, `size`",
        ),
        ("upsample", {"factor": 2, "to": "skip"}, "upsample takes one of `factor`, how many times"),
        ("upsample", {"factor": 2, "size": 4}, "upsample takes one of `factor`, how many times"),
        ("channel_slice", {}, "channel_slice needs `start`, the first index, or `stop`, or both"),
        ("depth_to_space", {"block": 0}, "greater than 0"),
    ],
)
def test_refused_values(kind: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(kind, **fields)


def test_pad_adds_channels_of_zeros() -> None:
    assert build("pad", channels=8).effect((32, 32, 16)).output == (32, 32, 32)
    assert build("pad", channels=[0, 4], padding=1).effect((4, 4, 4)).output == (6, 6, 8)


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({"factor": 1.5}, (6, 9, 3)),
        ({"factor": [1.25, 2]}, (5, 12, 3)),
        ({"size": 7}, (7, 7, 3)),
        ({"size": [4, 65]}, (4, 65, 3)),
    ],
)
def test_a_map_is_enlarged_by_a_fraction_or_to_a_size(
    fields: dict[str, Any], output: tuple[int, ...]
) -> None:
    assert build("upsample", **fields).effect((4, 6, 3)).output == output


@pytest.mark.parametrize(
    ("fields", "message", "advice"),
    [
        (
            {"factor": 1.3},
            "1.3 times the height of 4 is 5.2, no whole number",
            "`size` takes the extents as they are to be: 5",
        ),
        (
            {"size": [4, 5]},
            "the width of 6 cannot be enlarged to the 5 of `size`",
            "a `size` of at least 6; `crop` or a pool makes a map smaller",
        ),
        (
            {"size": [4, 6, 8]},
            "`size` has 3 entries, the input has 2 axes: height and width",
            "give one number for all axes, or one for each axis",
        ),
    ],
)
def test_a_map_is_not_enlarged_to_a_part_of_a_cell(
    fields: dict[str, Any], message: str, advice: str
) -> None:
    (problem,) = build("upsample", **fields).effect((4, 6, 3)).problems
    assert (problem.message, problem.advice) == (message, advice)
