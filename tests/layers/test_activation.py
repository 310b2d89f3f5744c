from typing import Any

import pytest

from cnnkit.layers import FAMILIES, layer_class
from cnnkit.layers.base import NO_OPERATIONS, Operations, Weight
from cnnkit.layers.problem import Problem

HUGE = 10**18
RESHAPING = {"maxout", "glu"}


def build(kind: str, **fields: Any) -> Any:
    return layer_class(kind).model_validate(fields)


@pytest.mark.parametrize("kind", sorted(set(FAMILIES["activation"]) - RESHAPING))
@pytest.mark.parametrize("shape", [(7,), (9, 4), (8, 8, 3), (HUGE, HUGE, 3)])
def test_the_shape_stays(kind: str, shape: tuple[int, ...]) -> None:
    effect = build(kind).effect(shape)
    assert effect.output == shape
    assert (effect.neurons, effect.macs, effect.reach, effect.problems) == ((), (), None, ())


@pytest.mark.parametrize("kind", sorted(set(FAMILIES["activation"]) - {"prelu"}))
def test_only_prelu_has_parameters(kind: str) -> None:
    assert build(kind).effect((8, 8, 4)).weights == ()


def test_prelu_learns_a_slope_a_channel() -> None:
    effect = build("prelu").effect((8, 8, 4))
    assert effect.weights == (Weight("slope", (4,)),)


@pytest.mark.parametrize(("per", "slopes"), [("layer", (1,)), ("cell", (8, 6, 4))])
def test_prelu_learns_one_slope_or_one_a_cell(per: str, slopes: tuple[int, ...]) -> None:
    assert build("prelu", per=per).effect((8, 6, 4)).weights == (Weight("slope", slopes),)


@pytest.mark.parametrize(
    ("kind", "operations"),
    [
        ("linear", NO_OPERATIONS),
        ("relu", Operations(compare=1)),
        ("leaky_relu", Operations(compare=1, multiply=1)),
        ("sigmoid", Operations(add=1, divide=1, exponential=1)),
        ("celu", Operations(compare=1, exponential=1, add=1, divide=1, multiply=1)),
        ("softsign", Operations(compare=1, add=1, divide=1)),
        ("hard_tanh", Operations(compare=2)),
        ("softshrink", Operations(compare=2, add=1)),
        ("power", Operations(exponential=1)),
        ("hard_silu", Operations(add=1, compare=2, divide=1, multiply=1)),
    ],
)
def test_the_work_is_counted_by_element(kind: str, operations: Operations) -> None:
    assert build(kind).effect((8, 8, 3)).operations == operations.times(192)


def test_softmax_sums_over_the_channels() -> None:
    effect = build("softmax").effect((5, 4, 10))
    assert effect.operations == Operations(exponential=200, add=180, divide=200)


def test_log_softmax_subtracts_the_logarithm() -> None:
    effect = build("log_softmax").effect((5, 10))
    assert effect.operations == Operations(exponential=55, add=45 + 50)


def test_maxout_takes_the_maximum_of_its_pieces() -> None:
    effect = build("maxout", pieces=3).effect((8, 8, 12))
    assert effect.output == (8, 8, 4)
    assert effect.operations == Operations(compare=8 * 8 * 4 * 2)


def test_maxout_needs_a_multiple_of_its_pieces() -> None:
    effect = build("maxout", pieces=5).effect((8, 8, 12))
    assert effect.output is None
    assert effect.problems == (
        Problem(
            "shape-mismatch",
            "12 channels do not split into groups of 5 `pieces`",
            "give the layer before a multiple of 5 as channels",
            ("pieces",),
        ),
    )


@pytest.mark.parametrize(
    ("gate", "work"),
    [
        ("sigmoid", Operations(exponential=128, add=128, divide=128, multiply=128)),
        ("silu", Operations(exponential=128, add=128, divide=128, multiply=256)),
        ("linear", Operations(multiply=128)),
        ("relu", Operations(compare=128, multiply=128)),
    ],
)
def test_a_gate_halves_the_channels(gate: str, work: Operations) -> None:
    effect = build("glu", gate=gate).effect((4, 4, 16))
    assert effect.output == (4, 4, 8)
    assert effect.operations == work


@pytest.mark.parametrize("gate", ["sigmoid", "silu", "gelu", "relu", "tanh", "linear"])
def test_the_work_of_a_gate_is_that_of_its_own_kind(gate: str) -> None:
    one = build(gate).effect((4, 4, 8)).operations.plus(Operations(multiply=128))
    assert build("glu", gate=gate).effect((4, 4, 16)).operations == one


def test_a_gate_needs_two_halves() -> None:
    effect = build("glu").effect((8, 8, 1))
    assert effect.output is None
    assert effect.problems == (
        Problem(
            "shape-mismatch",
            "input channels (=1) must be even: one half gates the other",
            "give the layer before 2 channels",
        ),
    )


@pytest.mark.parametrize(
    ("kind", "fields", "bounds"),
    [
        ("hard_tanh", {}, "between −1 and 1"),
        ("hard_tanh", {"minimum": 0, "maximum": 2.5}, "between 0 and 2.5"),
        ("threshold", {"threshold": 1, "value": -3}, "at −3 or above"),
        ("threshold", {"threshold": -1, "value": 3}, "at −1 or above"),
        ("power", {"exponent": 2}, "at 0 or above"),
        ("power", {"exponent": 3}, None),
        ("relu6", {}, "between 0 and 6"),
    ],
)
def test_bounds_follow_the_fields(kind: str, fields: dict[str, float], bounds: str | None) -> None:
    assert build(kind, **fields).bounds == bounds


def test_the_defaults_of_the_lecture() -> None:
    assert build("leaky_relu").slope == 0.1
    assert build("elu").alpha == 1
    assert build("maxout").pieces == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "0.1"])
def test_a_slope_is_a_finite_number(value: object) -> None:
    with pytest.raises(ValueError, match="number"):
        layer_class("leaky_relu").model_validate({"slope": value})
