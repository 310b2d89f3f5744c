import math
from typing import Any

import pytest

from cnnkit.layers import layer_class
from cnnkit.layers.base import Effect, Layer, Operations, Weight
from cnnkit.layers.problem import Problem

HUGE = 10**18
SHAPE = (8, 6, 64)
ELEMENTS = math.prod(SHAPE)


def build(kind: str, **fields: Any) -> Layer:
    return layer_class(kind).model_validate(fields)


def counts(effect: Effect) -> tuple[int, int]:
    """Parameters and state."""
    trained = sum(weight.size for weight in effect.weights if weight.trainable)
    return trained, sum(weight.size for weight in effect.weights) - trained


@pytest.mark.parametrize(
    ("kind", "fields", "parameters", "state"),
    [
        # Keras counts 256 for BatchNormalization on 64 channels, 128 of them trainable.
        ("batch_norm", {}, 128, 128),
        ("batch_norm", {"scale": False}, 64, 128),
        ("batch_norm", {"scale": False, "shift": False}, 0, 128),
        ("layer_norm", {}, 128, 0),
        ("layer_norm", {"shift": False}, 64, 0),
        ("group_norm", {"groups": 32}, 128, 0),
        ("instance_norm", {}, 128, 0),
        ("rms_norm", {}, 64, 0),
        ("rms_norm", {"scale": False}, 0, 0),
        ("local_response_norm", {}, 0, 0),
        ("rescale", {"mean": [0.5] * 64, "deviation": 0.2}, 0, 0),
    ],
)
def test_parameters_and_state(
    kind: str, fields: dict[str, Any], parameters: int, state: int
) -> None:
    effect = build(kind, **fields).effect(SHAPE)
    assert counts(effect) == (parameters, state)
    assert (effect.output, effect.reach, effect.problems) == (SHAPE, None, ())
    assert (effect.neurons, effect.macs) == ((), ())


def test_batch_norm_keeps_its_averages_as_state() -> None:
    assert build("batch_norm").effect((5, 4)).weights == (
        Weight("scale", (4,)),
        Weight("shift", (4,)),
        Weight("mean", (4,), trainable=False),
        Weight("variance", (4,), trainable=False),
    )


def test_a_vector_is_normalized_too() -> None:
    for kind in ("batch_norm", "layer_norm", "rms_norm"):
        assert build(kind).effect((150,)).output == (150,)


def test_batch_norm_is_folded_at_inference() -> None:
    effect = build("batch_norm").effect(SHAPE)
    assert effect.operations == Operations(multiply=ELEMENTS, add=ELEMENTS)


@pytest.mark.parametrize(
    ("kind", "fields", "sets"),
    [
        ("layer_norm", {}, 48),
        ("group_norm", {"groups": 4}, 4),
        ("instance_norm", {}, 64),
    ],
)
def test_the_work_of_a_set_is_its_formula(kind: str, fields: dict[str, Any], sets: int) -> None:
    n = ELEMENTS // sets
    bare = build(kind, scale=False, shift=False, **fields).effect(SHAPE).operations
    mean = Operations(add=n - 1, divide=1)
    centred = Operations(add=n)
    variance = Operations(multiply=n, add=n - 1, divide=1)
    root = Operations(add=1, exponential=1, divide=1)
    scaled = Operations(multiply=n)
    one = mean.plus(centred).plus(variance).plus(root).plus(scaled)
    assert bare == one.times(sets)
    learnt = build(kind, **fields).effect(SHAPE).operations
    assert learnt == bare.plus(Operations(multiply=ELEMENTS, add=ELEMENTS))


def test_rms_norm_has_no_mean_to_subtract() -> None:
    effect = build("rms_norm").effect((5, 10))
    assert effect.operations == Operations(add=50, multiply=150, divide=10, exponential=5)


def test_local_response_norm_reads_its_neighbours() -> None:
    effect = build("local_response_norm").effect((5, 10))
    assert effect.operations == Operations(add=250, multiply=100, divide=50, exponential=50)


def test_a_huge_map() -> None:
    effect = build("group_norm", groups=2).effect((HUGE, HUGE, 4))
    assert effect.operations.exponential == 2
    assert effect.operations.multiply == 12 * HUGE**2


def test_rescale_with_constants() -> None:
    effect = build("rescale", mean=[0.4, 0.5, 0.6], deviation=255).effect((9, 9, 3))
    assert effect.operations == Operations(add=243, divide=243)
    assert effect.weights == ()


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "message", "advice", "field"),
    [
        ("group_norm", {"groups": 4}, (8, 8, 6),
         "input channels (=6) must be divisible by `groups` (=4)",
         "groups that divide 6 channels: 1, 2, 3, 6", ("groups",)),
        ("instance_norm", {}, (150,),
         "instance_norm takes a feature map, the input is a vector of 150",
         "use `layer_norm`: a channel of a vector is one value, its own mean", ()),
        ("rescale", {"mean": [1, 2]}, (8, 8, 3),
         "`mean` has 2 values, the input has 3 channels",
         "give one number for all channels, or one for each channel", ("mean",)),
        ("rescale", {"deviation": [1]}, (8, 3),
         "`deviation` has 1 value, the input has 3 channels",
         "give one number for all channels, or one for each channel", ("deviation",)),
        ("rescale", {"mean": [1, 2]}, (8, 1),
         "`mean` has 2 values, the input has 1 channel",
         "give one number for all channels, or one for each channel", ("mean",)),
    ],
)  # fmt: skip
def test_the_text_of_each_problem(
    kind: str,
    fields: dict[str, Any],
    shape: tuple[int, ...],
    message: str,
    advice: str,
    field: tuple[str, ...],
) -> None:
    effect = build(kind, **fields).effect(shape)
    assert effect.output is None
    assert effect.problems == (Problem("shape-mismatch", message, advice, field),)


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("rescale", {"deviation": 0}, "greater than 0"),
        ("rescale", {"deviation": [1, 0.0]}, "greater than 0"),
        ("rescale", {"mean": [float("nan")]}, "finite"),
        ("rescale", {"mean": []}, "at least 1 item"),
        ("batch_norm", {"momentum": 1.1}, "less than or equal to 1"),
        ("batch_norm", {"epsilon": 0}, "greater than 0"),
        ("group_norm", {}, "groups"),
    ],
)
def test_refused_values(kind: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(kind, **fields)


def test_the_defaults_of_the_language() -> None:
    norm: Any = build("batch_norm")
    assert (norm.momentum, norm.epsilon, norm.scale, norm.shift) == (0.9, 1e-5, True, True)
