import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnkit.layers import FAMILIES, layer_class
from cnnkit.layers.base import Layer, Operations
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Reach

HUGE = 10**18


def build(kind: str, **fields: Any) -> Layer:
    return layer_class(kind).model_validate(fields)


def no_field_needed(kind: str) -> dict[str, int]:
    """The fields that a pool cannot do without."""
    if kind.startswith("adaptive"):
        return {"output": 2}
    return {} if kind.startswith("global") else {"size": 2}


@pytest.mark.parametrize(
    ("fields", "shape", "output"),
    [
        # The lecture's.
        ({"size": 2}, (8, 8, 1), (4, 4, 1)),
        # PyTorch's and published ones: ResNet, AlexNet, SqueezeNet, GoogLeNet, the docs.
        ({"size": 3, "stride": 2, "padding": 1, "rounding": "floor"}, (112, 112, 64), (56, 56, 64)),
        ({"size": 3, "stride": 2}, (55, 55, 96), (27, 27, 96)),
        ({"size": 3, "stride": 2, "rounding": "ceil"}, (109, 109, 96), (54, 54, 96)),
        ({"size": 3, "stride": 2, "rounding": "ceil"}, (112, 112, 64), (56, 56, 64)),
        ({"size": [3, 2], "stride": [2, 1], "rounding": "floor"}, (50, 32, 16), (24, 31, 16)),
        ({"size": 2, "padding": "same"}, (7, 7, 3), (4, 4, 3)),
        ({"size": 3, "stride": 1, "padding": "causal"}, (100, 2), (100, 2)),
        ({"size": 2}, (4, 6, 8, 3), (2, 3, 4, 3)),
    ],
)
@pytest.mark.parametrize("kind", ["max_pool", "mean_pool"])
def test_the_output(kind: str, fields: dict[str, Any], shape: Shape, output: Shape) -> None:
    effect = build(kind, **fields).effect(shape)
    assert (effect.output, effect.weights, effect.problems) == (output, (), ())
    assert (effect.neurons, effect.macs) == ((), ())


def test_a_window_of_n_cells_is_n_less_one_operations() -> None:
    outputs = 4 * 4 * 5
    largest = build("max_pool", size=3, stride=2).effect((9, 9, 5))
    assert largest.operations == Operations(compare=outputs * 8)
    mean = build("mean_pool", size=3, stride=2).effect((9, 9, 5))
    assert mean.operations == Operations(add=outputs * 8, divide=outputs)
    assert mean.reach == (Reach(3, 2, 0),) * 2


def test_a_dilated_maximum() -> None:
    effect = build("max_pool", size=3, stride=1, dilation=2).effect((9, 1))
    assert (effect.output, effect.reach) == ((5, 1), (Reach(5, 1, 0),))
    assert effect.operations.compare == 5 * 2


def test_a_window_in_the_padding_pools_nothing() -> None:
    effect = build("mean_pool", size=2, stride=1, padding=[0, [0, 2]]).effect((4, 4, 1))
    message = "a window of 2 lies in the padding of 2 altogether: there is nothing to pool"
    advice = "`padding: 1` gives 5"
    assert effect.output is None
    assert effect.problems == (Problem("padding-too-large", message, advice, ("padding", 1)),)


def test_an_invalid_stride_goes_on_with_the_floor() -> None:
    effect = build("max_pool", size=3).effect((7, 7, 4))
    assert effect.output == (2, 2, 4)
    (found,) = effect.problems
    assert (found.rule, found.field) == ("invalid-stride", ("stride", 0))
    assert found.message == "stride 3 does not fit: (7 − 3)/3 + 1 = 2.33 is not an integer"


@pytest.mark.parametrize("kind", sorted(set(FAMILIES["pooling"]) - {"reduce"}))
def test_a_vector_is_refused(kind: str) -> None:
    effect = build(kind, **no_field_needed(kind)).effect((150,))
    assert effect.output is None
    advice = "give the vector an axis: `input: 150x1`, or `reshape: {shape: [150, 1]}`"
    if kind.startswith("global"):
        advice = "leave it out: a vector has no axes left to pool"
    message = f"{kind} takes a feature map, the input is a vector of 150"
    assert effect.problems == (Problem("shape-mismatch", message, advice),)


@pytest.mark.parametrize("field", ["size", "stride", "padding", "dilation"])
def test_each_list_needs_an_entry_for_each_axis(field: str) -> None:
    effect = build("max_pool", **{"size": 2, field: [2, 2, 2]}).effect((8, 8, 1))
    assert effect.output is None
    (found,) = effect.problems
    assert found.message == f"`{field}` has 3 entries, the input has 2 axes: height and width"


def test_global_pools() -> None:
    largest = build("global_max_pool").effect((7, 9, 512))
    assert largest.output == (512,)
    assert largest.operations == Operations(compare=62 * 512)
    assert largest.reach == (Reach(7, 1, 0), Reach(9, 1, 0))
    mean = build("global_mean_pool", keep_axes=True).effect((7, 9, 512))
    assert mean.output == (1, 1, 512)
    assert mean.operations == Operations(add=62 * 512, divide=512)


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=2),
    st.lists(st.integers(1, 12), min_size=2, max_size=2),
    st.integers(1, 3),
)
def test_adaptive_pools_count_the_cells_of_their_windows(
    extents: list[int], outputs: list[int], channels: int
) -> None:
    outputs = outputs[: len(extents)]
    axes = [
        [-(-(i + 1) * extent // output) - i * extent // output for i in range(output)]
        for extent, output in zip(extents, outputs, strict=True)
    ]
    cells = sum(
        (lengths[0] if len(lengths) == 1 else lengths[0] * lengths[1])
        for lengths in itertools.product(*axes)
    )
    windows = len(list(itertools.product(*axes)))
    shape = (*extents, channels)
    mean = build("adaptive_mean_pool", output=outputs).effect(shape)
    assert mean.output == (*outputs, channels)
    assert mean.operations == Operations(
        add=(cells - windows) * channels, divide=windows * channels
    )
    largest = build("adaptive_max_pool", output=outputs).effect(shape)
    assert largest.operations == Operations(compare=(cells - windows) * channels)


def test_adaptive_pools_of_published_networks() -> None:
    same = build("adaptive_mean_pool", output=7).effect((7, 7, 512))
    assert (same.output, same.operations.add) == ((7, 7, 512), 0)
    assert same.reach == (Reach(1, 1, 0),) * 2
    # VGG on CIFAR: the cells repeat.
    assert build("adaptive_mean_pool", output=7).effect((1, 1, 512)).output == (7, 7, 512)


def test_huge_maps_take_no_loop() -> None:
    shape = (HUGE, HUGE, 3)
    assert build("max_pool", size=2).effect(shape).output == (HUGE // 2, HUGE // 2, 3)
    assert build("global_mean_pool").effect(shape).operations.add == 3 * (HUGE**2 - 1)
    effect = build("adaptive_max_pool", output=HUGE - 1).effect(shape)
    assert effect.operations.compare == 3 * ((2 * HUGE - 2) ** 2 - (HUGE - 1) ** 2)


def test_adaptive_output_an_axis_each() -> None:
    effect = build("adaptive_max_pool", output=[3]).effect((7, 7, 1))
    assert effect.problems[0].message == (
        "`output` has 1 entry, the input has 2 axes: height and width"
    )
