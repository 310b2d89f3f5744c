"""The operators and functions of expressions on values: exact, and bounded at every step."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from cnnkit.spec.language.value import MAX_TEXT_LENGTH, Value

__all__ = [
    "FUNCTIONS",
    "ImpossibleError",
    "calculate",
    "call",
    "check_bounds",
    "compare",
    "described",
    "divide",
    "item",
    "items",
    "part",
    "power",
    "signed",
]

MAX_INTEGER: Final = 10**40
"""Far above the parameters of anything, and small enough that every step is quick."""

MAX_LIST_ITEMS: Final = 10_000
"""Items of a list and of the lists in it, so that lists of lists cannot grow by doubling."""

MAX_COMPREHENSION: Final = 256
"""Items that a comprehension goes over, each of which is some work."""

MAX_LIST_DEPTH: Final = 50
"""Lists inside lists."""

_MAX_BITS: Final = MAX_INTEGER.bit_length()
_MAX_DIGITS: Final = 40
_NUMBERS: Final = frozenset({int, float, bool})
_UNBOUNDED: Final = "the result is not a finite number of at most 1.8e308"


class ImpossibleError(ValueError):
    """An operation has no value for these operands, or none within the bounds."""

    def __init__(self, message: str, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = advice


def described(value: Value) -> str:
    """A value and its type in words: ``the string 'x'``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, list):
        return f"a list of {len(value):,} {'item' if len(value) == 1 else 'items'}"
    kind = {int: "integer", float: "float"}.get(type(value), "string")
    shown = repr(value)
    return f"the {kind} {shown if len(shown) <= 50 else shown[:49] + '…'}"


def check_bounds(value: Value) -> None:
    """Checks a result.

    Raises:
        ImpossibleError: It exceeds a bound.
    """
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise _too_large(described(value))
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ImpossibleError(_UNBOUNDED)
    elif isinstance(value, str):
        if len(value) > MAX_TEXT_LENGTH:
            limit = f"the limit is {MAX_TEXT_LENGTH:,}"
            raise ImpossibleError(f"the result has {len(value):,} characters; {limit}")
    elif isinstance(value, list):
        _check_list(value)


def calculate(function: Callable[[Any, Any], Value], left: Value, right: Value) -> Value:
    """The result of an arithmetic operator; ``+`` also joins two strings or two lists.

    Raises:
        ImpossibleError: It does not take these operands, or the result exceeds a bound.
    """
    if function is operator.mul and isinstance(left, list) and type(right) is int:
        return _repeated(left, right)
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        joined = type(left) is type(right) and isinstance(left, str | list)
        if not joined or function is not operator.add:
            operands = f"the left side is {described(left)}, the right side {described(right)}"
            raise ImpossibleError(
                operands,
                "calculate with numbers; `+` joins strings or lists, `[x] * 3` repeats a list",
            )
    try:
        result = function(left, right)
    except ZeroDivisionError:
        raise ImpossibleError(f"division of {described(left)} by zero") from None
    except OverflowError:
        raise ImpossibleError(_UNBOUNDED) from None
    check_bounds(result)
    return result


def _repeated(items: list[Value], times: int) -> list[Value]:
    """A list some times over, whose length is checked before it is made."""
    if len(items) * times > MAX_LIST_ITEMS:
        raise ImpossibleError(
            f"a list of {len(items):,} {times:,} times over has more than {MAX_LIST_ITEMS:,} items"
        )
    result = items * times
    check_bounds(result)
    return result


def divide(left: float, right: float) -> float:
    """The quotient: an integer where two integers divide exactly, otherwise a float."""
    if isinstance(left, int) and isinstance(right, int):
        quotient, remainder = divmod(left, right)
        if remainder == 0:
            return quotient
    return left / right


def power(base: float, exponent: float) -> float:
    """The power, whose size is checked before it is computed.

    Raises:
        ImpossibleError: It is above the bounds, or not a real number.
    """
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        # abs(base) is at least 2 ** (bits - 1).
        bits = abs(base).bit_length()
        if bits > 1 and (bits - 1) * exponent > _MAX_BITS:
            raise _too_large(f"{base} ** {exponent}")
    result: float | complex = base**exponent
    if isinstance(result, complex):
        raise ImpossibleError(f"a root of {described(base)} is not a real number")
    return result


def signed(function: Callable[[Any], Value], value: Value) -> Value:
    """The result of a sign before a value.

    Raises:
        ImpossibleError: The value is not a number.
    """
    if type(value) not in _NUMBERS:
        raise ImpossibleError(f"{described(value)} is not a number")
    return function(value)


def compare(function: Callable[[Any, Any], bool], left: Value, right: Value) -> bool:
    """The result of a comparison.

    Raises:
        ImpossibleError: The values have no order, or ``in`` is asked of what holds nothing.
    """
    try:
        return function(left, right)
    except TypeError:
        operands = f"the left side is {described(left)}, the right side {described(right)}"
        advice = "compare numbers or strings with their like; `in` looks into a list or a string"
        raise ImpossibleError(operands, advice) from None


def item(value: Value, index: Value) -> Value:
    """An item of a list; a negative index counts from the end.

    Raises:
        ImpossibleError: The value is no list, the index no integer, or out of range.
    """
    if not isinstance(value, list):
        raise ImpossibleError(f"only a list has items, and this is {described(value)}")
    place = _integer(index, "an index")
    if not -len(value) <= place < len(value):
        count = len(value)
        if not count:
            raise ImpossibleError(f"there is no item {place}: the list is empty")
        items = f"{described(value)}, numbered from 0 to {count - 1}"
        raise ImpossibleError(f"there is no item {place} in {items}", "-1 is the last item")
    return value[place]


def items(value: Value) -> list[Value]:
    """The items that a comprehension goes over.

    Raises:
        ImpossibleError: The value is no list, or too long a one.
    """
    if not isinstance(value, list):
        raise ImpossibleError(f"a comprehension goes over a list, and this is {described(value)}")
    if len(value) > MAX_COMPREHENSION:
        raise ImpossibleError(
            f"a comprehension goes over at most {MAX_COMPREHENSION} items, not {len(value):,}"
        )
    return value


def part(value: Value, start: Value, stop: Value, step: Value) -> Value:
    """A slice of a list.

    Raises:
        ImpossibleError: The value is no list, or a bound no integer.
    """
    if not isinstance(value, list):
        raise ImpossibleError(f"only a list has items, and this is {described(value)}")
    bounds = [None if end is None else _integer(end, "an index") for end in (start, stop, step)]
    if bounds[2] == 0:
        raise ImpossibleError("the step of a slice is zero")
    return value[slice(*bounds)]


def call(name: str, arguments: list[Value]) -> Value:
    """The result of a function; the number of arguments has been checked.

    Raises:
        ImpossibleError: It does not take these arguments, or the result exceeds a bound.
    """
    try:
        result = FUNCTIONS[name][0](*arguments)
    except OverflowError:
        raise ImpossibleError(_UNBOUNDED) from None
    check_bounds(result)
    return result


def _too_large(what: str) -> ImpossibleError:
    return ImpossibleError(f"{what} exceeds the limit of integers, 10^{_MAX_DIGITS}")


def _check_list(value: list[Value], depth: int = 1, count: int = 0) -> int:
    count += len(value)
    if count > MAX_LIST_ITEMS:
        raise ImpossibleError(f"the result is a list of more than {MAX_LIST_ITEMS:,} items")
    if depth > MAX_LIST_DEPTH:
        raise ImpossibleError(f"the result has lists nested more than {MAX_LIST_DEPTH} deep")
    for inner in value:
        if isinstance(inner, list):
            count = _check_list(inner, depth + 1, count)
    return count


def _integer(value: Value, what: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int):
        raise ImpossibleError(f"{what} is an integer, not {described(value)}")
    return value


def _number(value: Value) -> float:
    if not isinstance(value, int | float):
        raise ImpossibleError(f"{described(value)} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ImpossibleError(f"{described(value)} is not finite")
    return value


def _numbers(arguments: tuple[Value, ...]) -> list[float]:
    """The numbers given as arguments, or as the one list."""
    only = arguments[0]
    values = only if len(arguments) == 1 and isinstance(only, list) else arguments
    if not values:
        raise ImpossibleError("the list is empty")
    return [_number(value) for value in values]


def _sum(value: Value) -> float:
    if not isinstance(value, list):
        raise ImpossibleError(f"the sum is of a list, and this is {described(value)}")
    return sum(_number(number) for number in value)


def _range(start: Value, stop: Value = None) -> list[Value]:
    """The whole numbers from 0, or from the first, up to, but not, the last."""
    first, last = (0, start) if stop is None else (start, stop)
    low, high = _integer(first, "a bound of `range`"), _integer(last, "a bound of `range`")
    if high - low > MAX_LIST_ITEMS:
        raise ImpossibleError(f"a list of {high - low:,} numbers is above {MAX_LIST_ITEMS:,} items")
    return list(range(low, high))


def _length(value: Value) -> int:
    if not isinstance(value, str | list):
        raise ImpossibleError(f"only a list or a string has a length, not {described(value)}")
    return len(value)


def _round(value: Value, digits: Value = None) -> float:
    if digits is None:
        return round(_number(value))
    places = _integer(digits, "a number of digits")
    if abs(places) > _MAX_DIGITS:  # Python would compute 10 ** places
        raise ImpossibleError(f"{places} digits are more than {_MAX_DIGITS}")
    return round(_number(value), places)


def _round_to(value: Value, divisor: Value) -> int:
    """The multiple of the divisor nearest to a value, never below 90 % of it nor below one.

    This is ``make_divisible`` of the MobileNets' source, exact for integers of any size.
    """
    number, step = _number(value), _integer(divisor, "the second argument of `round_to`")
    if step < 1:
        raise ImpossibleError(f"the second argument of `round_to` is {step}; it must be positive")
    if isinstance(number, int):
        nearest = max(step, (2 * number + step) // 2 // step * step)
        return nearest + step if 10 * nearest < 9 * number else nearest
    nearest = max(step, int(number + step / 2) // step * step)
    return nearest + step if nearest < 0.9 * number else nearest


FUNCTIONS: Final[dict[str, tuple[Callable[..., Value], int, int]]] = {
    "min": (lambda *values: min(_numbers(values)), 1, 1_000),
    "max": (lambda *values: max(_numbers(values)), 1, 1_000),
    "round": (_round, 1, 2),
    "floor": (lambda value: math.floor(_number(value)), 1, 1),
    "ceil": (lambda value: math.ceil(_number(value)), 1, 1),
    "abs": (lambda value: abs(_number(value)), 1, 1),
    "len": (_length, 1, 1),
    "sum": (_sum, 1, 1),
    "range": (_range, 1, 2),
    "round_to": (_round_to, 2, 2),
}
"""Each function with the fewest and the most arguments it takes."""
