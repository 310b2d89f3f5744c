"""The arithmetic of expressions: what has no value, the bounds, and that it is Python's."""

import math
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.spec.language.expression import evaluate
from cnnkit.spec.language.value import ExpressionError, Value

VARIABLES: dict[str, Value] = {
    "name": "stem",
    "half": 0.5,
    "depths": [3, 4, 6, 3],
    "nothing": None,
    "infinite": math.inf,
}
IMPOSSIBLE = [
    ("$(name + 1)", "the left side is the string 'stem', the right side the integer 1"),
    ("$('a' * 3)", "the left side is the string 'a', the right side the integer 3"),
    ("$(depths / 2)", "the left side is a list of 4 items, the right side the integer 2"),
    ("$(1 < nothing)", "the left side is the integer 1, the right side null"),
    ("$(1 in half)", "the left side is the integer 1, the right side the float 0.5"),
    ("$(-name)", "the string 'stem' is not a number"),
    ("$(7 / (2 - 2))", "division of the integer 7 by zero"),
    ("$(7 % 0)", "division of the integer 7 by zero"),
    ("$(0 ** (0 - 1))", "division of the integer 0 by zero"),
    ("$((-8) ** half)", "a root of the integer -8 is not a real number"),
    ("$(depths[4])", "there is no item 4 in a list of 4 items, numbered from 0 to 3"),
    ("$([][0])", "there is no item 0: the list is empty"),
    ("$(depths[half])", "an index is an integer, not the float 0.5"),
    ("$(name[0])", "only a list has items, and this is the string 'stem'"),
    ("$(name[1:])", "only a list has items, and this is the string 'stem'"),
    ("$(depths[::0])", "the step of a slice is zero"),
    ("$(max([]))", "the list is empty"),
    ("$(max(1, name))", "the string 'stem' is not a number"),
    ("$(sum(1))", "the sum is of a list, and this is the integer 1"),
    ("$(len(1))", "only a list or a string has a length, not the integer 1"),
    ("$(floor(infinite))", "the float inf is not finite"),
    ("$(round(1, half))", "a number of digits is an integer, not the float 0.5"),
    ("$(round_to(8, 0))", "the second argument of `round_to` is 0; it must be positive"),
]


@pytest.mark.parametrize(("text", "reason"), IMPOSSIBLE)
def test_what_has_no_value(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, VARIABLES)
    assert caught.value.message == f"`{text[2:-1]}` cannot be computed: {reason}"
    assert caught.value.offset == 2


def test_the_innermost_operation_is_named() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("a $(1 + max(2, 3 / 0))", {})
    message = "`3 / 0` cannot be computed: division of the integer 3 by zero"
    assert (caught.value.message, caught.value.offset) == (message, 15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$(9**9**9**9)", "9 ** 387420489 exceeds the limit of integers, 10^40"),
        ("$((-2) ** 1000)", "-2 ** 1000 exceeds the limit of integers, 10^40"),
        ("$(10**40 + 1)", f"the integer 1{'0' * 39}1 exceeds the limit of integers, 10^40"),
        ("$(10**30 * 10**30)", "exceeds the limit of integers, 10^40"),
        (f"$({'9' * 41})", "exceeds the limit of integers, 10^40"),
        (f"$({'9' * 990})", "exceeds the limit of integers, 10^40"),
        ("$(1e308 * 10)", "the result is not a finite number of at most 1.8e308"),
        ("$(1e999)", "the result is not a finite number of at most 1.8e308"),
        ("$(1e300 ** 2)", "the result is not a finite number of at most 1.8e308"),
        ("$(infinite - infinite)", "the result is not a finite number of at most 1.8e308"),
        ("$(round(1, -10**20))", "-100000000000000000000 digits are more than 40"),
        ("$(long + long)", "the result has 160,000 characters; the limit is 100,000"),
        ("$long$long", "this gives 160,000 characters; the limit is 100,000"),
        ("$(many + many)", "the result is a list of more than 10,000 items"),
        ("$([many, many])", "the result is a list of more than 10,000 items"),
        ("$([deep])", "the result has lists nested more than 50 deep"),
        (f"$({'-' * 60}1)", "the expression is nested more than 50 deep"),
        (f"$({'[' * 60}{']' * 60})", "the expression is nested more than 50 deep"),
        (f"$({'+'.join(['1'] * 60)})", "the expression is nested more than 50 deep"),
        (f"$({'(' * 400}{')' * 400})", "is not a valid expression"),
        (f"$({'-' * 900}1)", "the expression is nested more than 50 deep"),
        (f"$({'1' * 1_000})", "1,003 characters; the limit of a string with `$` is 1,000"),
        ("$(1\0)", "is not a valid expression"),
    ],
)
def test_bounds(text: str, message: str) -> None:
    deep: list[Any] = []
    for _ in range(49):
        deep = [deep]
    values: dict[str, Value] = {
        "long": "x" * 80_000,
        "many": [1] * 6_000,
        "deep": deep,
        "infinite": math.inf,
    }
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, values)
    assert message in caught.value.message


_NUMBERS = st.integers(-100, 100) | st.floats(-100, 100).map(lambda number: round(number, 3))
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "==": operator.eq,
}
_ARITHMETIC = st.recursive(
    _NUMBERS.map(lambda number: (f"({number!r})", lambda: number)),
    lambda inside: st.tuples(inside, st.sampled_from(list(_OPERATORS)), inside).map(
        lambda made: (
            f"({made[0][0]} {made[1]} {made[2][0]})",
            lambda: _OPERATORS[made[1]](made[0][1](), made[2][1]()),
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(_ARITHMETIC)
def test_arithmetic_is_pythons(made: tuple[str, Callable[[], Value]]) -> None:
    text, compute = made
    try:
        expected = compute()
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="by zero"):
            evaluate(f"${text}", {})
        return
    result = evaluate(f"${text}", {})
    assert result == expected
    assert type(result) is type(expected)


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**40))
def test_division_loses_no_digit(left: int, right: int) -> None:
    quotient = evaluate("$(left / right)", {"left": left, "right": right})
    assert quotient == (left // right if left % right == 0 else left / right)
    assert type(quotient) is (int if left % right == 0 else float)


def make_divisible(value: float, divisor: int) -> int:
    """The function of the MobileNets' source, as torchvision has it, word for word."""
    new_value = max(divisor, int(value + divisor / 2) // divisor * divisor)
    if new_value < 0.9 * value:
        new_value += divisor
    return new_value


@settings(max_examples=500)
@given(st.integers(1, 10_000) | st.floats(0.01, 10_000), st.integers(1, 64))
def test_round_to_is_make_divisible(value: float, divisor: int) -> None:
    rounded = evaluate("$(round_to(value, divisor))", {"value": value, "divisor": divisor})
    assert rounded == make_divisible(value, divisor)
