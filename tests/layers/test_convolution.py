from typing import Any

import pytest

from cnnkit.layers import layer_class
from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, total
from cnnkit.layers.window import Reach

HUGE = 10**18


def build(kind: str, **fields: Any) -> Layer:
    return layer_class(kind).model_validate(fields)


def parameters(effect: Effect) -> int:
    return sum(weight.size for weight in effect.weights if weight.trainable)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "output", "neurons", "weights"),
    [
        # The lecture's worked examples.
        ("locally_connected", {"filters": 1, "kernel": 3}, (150, 1), (148, 1), 148, 444),
        ("conv", {"filters": 1, "kernel": 3}, (150, 1), (148, 1), 148, 3),
        ("conv", {"filters": 1, "kernel": 3}, (7, 7, 1), (5, 5, 1), 25, 9),
        ("conv", {"filters": 1, "kernel": 3, "stride": 2}, (7, 7, 1), (3, 3, 1), 9, 9),
        ("conv", {"filters": 5, "kernel": 5, "padding": "same"}, (100, 100, 1), (100, 100, 5),
         50000, 125),
        ("conv", {"filters": 6, "kernel": 5, "padding": "same"}, (100, 100, 1), (100, 100, 6),
         60000, 150),
        ("conv", {"filters": 6, "kernel": 5}, (100, 100, 1), (96, 96, 6), 55296, 150),
        ("conv", {"filters": 6, "kernel": 5, "padding": "same"}, (32, 32, 3), (32, 32, 6), 6144,
         450),
        ("conv", {"filters": 6, "kernel": 5, "stride": 3}, (32, 32, 3), (10, 10, 6), 600, 450),
        ("conv", {"filters": 3, "kernel": 7}, (32, 32, 3), (26, 26, 3), 2028, 441),
        ("conv", {"filters": 5, "kernel": 9}, (26, 26, 3), (18, 18, 5), 1620, 1215),
        ("conv", {"filters": 4, "kernel": 11}, (18, 18, 5), (8, 8, 4), 256, 2420),
        ("conv", {"filters": 3, "kernel": 7, "padding": "causal"}, (100, 1), (100, 3), 300, 21),
        ("conv", {"filters": 2, "kernel": 3}, (9, 9, 9, 4), (7, 7, 7, 2), 686, 216),
    ],
)  # fmt: skip
def test_worked_examples(
    kind: str, fields: dict[str, Any], shape: Shape, output: Shape, neurons: int, weights: int
) -> None:
    effect = build(kind, bias=False, **fields).effect(shape)
    assert effect.output == output
    assert total(effect.neurons) == neurons
    assert parameters(effect) == weights
    assert effect.problems == ()


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "output", "weights"),
    [
        # As Keras's summaries of its ResNet50, MobileNet and documentation examples show them.
        ("conv", {"filters": 64, "kernel": 7, "stride": 2, "padding": 3, "rounding": "floor"},
         (224, 224, 3), (112, 112, 64), 9472),
        ("depthwise_conv", {"kernel": 3, "padding": "same", "bias": False}, (112, 112, 32),
         (112, 112, 32), 288),
        # And PyTorch's modules.
        ("conv", {"filters": 64, "kernel": 11, "stride": 4, "padding": 2, "rounding": "floor"},
         (224, 224, 3), (55, 55, 64), 23296),
        ("conv", {"filters": 128, "kernel": 3, "groups": 32, "padding": 1, "bias": False},
         (56, 56, 128), (56, 56, 128), 4608),
        ("transposed_conv", {"filters": 64, "kernel": 2, "stride": 2}, (28, 28, 128),
         (56, 56, 64), 32832),
        ("transposed_conv",
         {"filters": 16, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1},
         (6, 6, 16), (12, 12, 16), 2320),
        ("transposed_conv", {"filters": 33, "kernel": [3, 5], "stride": [2, 1],
         "padding": [4, 2]}, (50, 100, 16), (93, 100, 33), 7953),
    ],
)  # fmt: skip
def test_published_values(
    kind: str, fields: dict[str, Any], shape: Shape, output: Shape, weights: int
) -> None:
    effect = build(kind, **fields).effect(shape)
    assert (effect.output, parameters(effect), effect.problems) == (output, weights, ())


def test_a_huge_map_costs_no_more() -> None:
    effect = build("conv", filters=8, kernel=3, padding=1).effect((HUGE, HUGE, 4))
    assert total(effect.macs) == HUGE**2 * 8 * 9 * 4
    assert effect.operations.add == HUGE**2 * 8


def test_the_derivation_of_the_counts() -> None:
    effect = build("conv", filters=6, kernel=5).effect((32, 32, 3))
    assert effect.neurons == ((28, 28, 6),)
    assert effect.macs == ((28, 28, 6, 5, 5, 3),)
    assert [weight.shape for weight in effect.weights] == [(5, 5, 3, 6), (6,)]
    assert effect.reach == (Reach(5, 1, 0), Reach(5, 1, 0))


def test_maxout_multiplies_the_weights_and_not_the_neurons() -> None:
    fields = {"filters": 4, "kernel": 3, "padding": 1}
    plain = build("conv", **fields).effect((8, 8, 2))
    maxout = build("conv", activation={"maxout": {"pieces": 3}}, **fields).effect((8, 8, 2))
    assert maxout.neurons == plain.neurons
    assert maxout.output == (8, 8, 12)
    assert parameters(maxout) == 3 * parameters(plain)
    assert total(maxout.macs) == 3 * total(plain.macs)


def test_an_activation_is_an_operation_of_its_own(graph: Any) -> None:
    layer = build("conv", filters=4, kernel=3, activation={"maxout": {"pieces": 2}})
    assert layer.trace(graph, graph.start((8, 8, 2))).shape == (6, 6, 4)
    assert list(graph.effects) == ["conv", "activation"]


def test_a_separable_conv_has_one_bias_and_one_activation(graph: Any) -> None:
    layer = build("separable_conv", filters=32, kernel=3, activation="relu")
    layer.trace(graph, graph.start((32, 32, 3)))
    assert list(graph.effects) == ["depthwise", "pointwise", "activation"]
    # Keras's SeparableConv2D(32, 3) on 3 channels: 27 + 96 + 32.
    assert sum(map(parameters, graph.effects.values())) == 155


def test_an_invalid_stride_goes_on_with_the_floor() -> None:
    effect = build("conv", filters=6, kernel=3, stride=3).effect((7, 7, 1))
    assert effect.output == (2, 2, 6)
    assert [found.rule for found in effect.problems] == ["invalid-stride"]


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "message", "advice", "field"),
    [
        ("conv", {"filters": 4, "kernel": 1, "groups": 4}, (8, 8, 6),
         "input channels (=6) must be divisible by `groups` (=4)",
         "groups that divide 6 channels and 4 filters: 1, 2", ("groups",)),
        ("conv", {"filters": 6, "kernel": 1, "groups": 4}, (8, 8, 8),
         "`filters` (=6) must be divisible by `groups` (=4)",
         "groups that divide 8 channels and 6 filters: 1, 2", ("groups",)),
        ("conv", {"filters": 2, "kernel": 1}, (150,),
         "conv takes a feature map, the input is a vector of 150",
         "give the vector an axis: `input: 150x1`, or `reshape: {shape: [150, 1]}`", ()),
        ("conv", {"filters": 2, "kernel": [1, 1]}, (9, 1),
         "`kernel` has 2 entries, the input has 1 axis: length",
         "give one number for all axes, or one for each axis", ("kernel",)),
        ("transposed_conv", {"filters": 2, "kernel": 3, "stride": 2, "output_padding": [0, 2]},
         (8, 8, 1), "`output_padding` (=2) must be smaller than the stride or the dilation (=2)",
         "it only chooses between the output extents that one stride can give",
         ("output_padding", 1)),
        ("transposed_conv", {"filters": 2, "kernel": 3, "padding": 2}, (2, 1),
         "the padding leaves nothing: (2 − 1)·1 − 4 + 3 = 0",
         "`padding: 1` or less on each side", ("padding", 0)),
        ("conv", {"filters": 2, "kernel": 2, "weights": [[1, 2]]}, (9, 1),
         "`weights` has the shape 1x2, the layer needs 2x1x2",
         "nest the lists as [*kernel, channels, filters]; a dense layer's as [inputs, units]",
         ("weights",)),
        ("conv", {"filters": 2, "kernel": 2, "bias": [1.0]}, (9, 1),
         "`bias` has the shape 1, the layer needs 2", "give one value for each filter or unit",
         ("bias",)),
    ],
)  # fmt: skip
def test_the_text_of_each_problem(
    kind: str,
    fields: dict[str, Any],
    shape: Shape,
    message: str,
    advice: str,
    field: tuple[str | int, ...],
) -> None:
    (found,) = build(kind, **fields).effect(shape).problems
    rule = "window-too-large" if "leaves nothing" in message else "shape-mismatch"
    assert found == Problem(rule, message, advice, field)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weights": [[1, 2], [3]]}, "is ragged: its lists differ in length"),
        ({"weights": [["a"]]}, "is not made of numbers"),
        ({"weights": 3}, "is not made of numbers"),
        ({"weights": [float("nan")]}, "holds a value that is not finite"),
        ({"bias": [True]}, "is not made of numbers"),
        ({"activation": "max_pool"}, "is no activation"),
        ({"init": float("inf")}, "finite number"),
        ({"kernel": True}, "valid integer"),
        ({"kernel": 0}, "greater than 0"),
        ({"groups": 1.0}, "valid integer"),
        ({"padding": "full"}, "'valid', 'same' or 'causal'"),
        ({"padding": -1}, "greater than or equal to 0"),
    ],
)
def test_refused_values(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("conv", **{"filters": 1, "kernel": 1, **fields})


def test_given_weights_of_the_right_shape() -> None:
    weights = [[[1.0, 2]], [[3, 4]]]
    effect = build("conv", filters=2, kernel=2, weights=weights, bias=[0, 1]).effect((9, 1))
    assert effect.problems == ()
