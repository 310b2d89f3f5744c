"""Expressions: their values, and their faults in words."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.spec.language.expression import evaluate, is_dynamic, names_in
from cnnkit.spec.language.value import ExpressionError, Value

VARIABLES: dict[str, Value] = {
    "width": 64,
    "half": 0.5,
    "name": "stem",
    "project": True,
    "depths": [3, 4, 6, 3],
    "nothing": None,
    "index": 2,
}

VALUES: list[tuple[str, Value]] = [
    ("$width", 64),
    ("$half", 0.5),
    ("$project", True),
    ("$nothing", None),
    ("$depths", [3, 4, 6, 3]),
    ("plain", "plain"),
    ("", ""),
    # comprehensions
    ("$([2 * x for x in depths])", [6, 8, 12, 6]),
    ("$([x for x in depths if x > 3 if x < 6])", [4]),
    ("$([width * 2 ** i for i in range(4)])", [64, 128, 256, 512]),
    ("$(sum([width for width in depths]) + width)", 80),
    ("$([i / 10 for i in range(1, 3)])", [0.1, 0.2]),
    ("$([[x, [x] * 2] for x in range(-1, 1)])", [[-1, [-1, -1]], [0, [0, 0]]]),
    ("$([x for x in [y for y in range(5)][1:] if x % 2])", [1, 3]),
    ("$(range(0))", []),
    # in a longer string
    ("stage$index", "stage2"),
    ("x$(index+1)_y", "x3_y"),
    ("$index$index", "22"),
    ("$name-$half", "stem-0.5"),
    ("$(width * half)x3", "32x3"),
    ("$project $nothing", "true null"),
    ("$$5", "$5"),
    ("$$", "$"),
    ("a$$name", "a$name"),
    ("$(name)$$", "stem$"),
    # arithmetic
    ("$(4 * width)", 256),
    ("$( 4*width )", 256),
    ("$(\n4 *\n width)", 256),
    ("$(7 / 2)", 3.5),
    ("$(8 / 2)", 4),
    ("$(4 * 10**18 / 2)", 2 * 10**18),
    ("$((2**53 + 1) * 3 / 3)", 2**53 + 1),
    ("$(-7 // 2)", -4),
    ("$(-7 % 3)", 2),
    ("$(2 ** -1)", 0.5),
    ("$((-1) ** 10**30)", 1),
    ("$(+width - -1)", 65),
    ("$(true + 1)", 2),
    # choices
    ("$(1 < index <= 2)", True),
    ("$(index in [1, 2])", True),
    ("$(index not in depths)", True),
    ("$('te' in name)", True),
    ("$(name == 'stem' and not project)", False),
    ("$(project or 1 / 0)", True),
    ("$(nothing == null)", True),
    ("$(width if project else missing)", 64),
    ("$('a)b' + \"(\")", "a)b("),
    ("$(name + '_1')", "stem_1"),
    # lists
    ("$(depths[0])", 3),
    ("$(depths[-1])", 3),
    ("$(depths[2.0])", 6),
    ("$(depths[1:])", [4, 6, 3]),
    ("$(depths[::-2])", [3, 4]),
    ("$([1, [2]] + [(3, 4)])", [1, [2], [3, 4]]),
    # functions
    ("$(min(3, 1, 2))", 1),
    ("$(max(depths))", 6),
    ("$(sum(depths))", 16),
    ("$(len(depths))", 4),
    ("$(round(0.5))", 0),
    ("$(round(1.5))", 2),
    ("$(round(2.345, 1))", 2.3),
    ("$(floor(-0.5))", -1),
    ("$(ceil(half))", 1),
    ("$(abs(-3))", 3),
    ("$(round_to(32 * 1.4, 8))", 48),
    ("$(round_to(10, 8))", 16),
    ("$(round_to(10**30 + 3, 8))", 10**30),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_values(text: str, value: Value) -> None:
    result = evaluate(text, VARIABLES)
    assert result == value
    assert type(result) is type(value)


FAULTS: list[tuple[str, str, int]] = [
    # form
    ("$", "a name or `(` is expected after `$`, not the end of the string", 0),
    ("a $5", "a name or `(` is expected after `$`, not `5`", 2),
    ("ab$(1 + (2)", "the bracket of `$(1 + (2)` is never closed", 2),
    ("$('a)", "the quote `'` is never closed", 2),
    ("$( )", "the expression is empty", 2),
    ("$(1 +)", "`1 +` is not a valid expression", 5),
    ("$(a = 1)", "`a = 1` is not a valid expression", 2),
    ("$(1 # x)", "`1 # x` is not a valid expression", 2),
    # what is not allowed
    ("$(name.upper)", "an attribute (`.name`) is not allowed in an expression", 2),
    ("$('é' + name.x)", "an attribute (`.name`) is not allowed in an expression", 8),
    ("$(lambda: 1)", "a lambda is not allowed in an expression", 2),
    (
        "$([x for y in depths for x in [y]])",
        "a comprehension is of one list and one name: `[2 * x for x in list]`",
        2,
    ),
    (
        "$(1 + len([[x for x in depths] for y in depths]))",
        "a comprehension is of one list and one name: `[2 * x for x in list]`",
        10,
    ),
    (
        "$([x for x, y in depths])",
        "a comprehension is of one list and one name: `[2 * x for x in list]`",
        2,
    ),
    ("$([x for x in depths] + [x])", "there is no variable `x`", 25),
    (
        "$([x for x in width])",
        (
            "`[x for x in width]` cannot be computed: a comprehension goes over a list, and this "
            "is the integer 64"
        ),
        2,
    ),
    (
        "$([x for x in range(257)])",
        (
            "`[x for x in range(257)]` cannot be computed: a comprehension goes over at most 256 "
            "items, not 257"
        ),
        2,
    ),
    (
        "$(range(10 ** 9))",
        (
            "`range(10 ** 9)` cannot be computed: a list of 1,000,000,000 numbers is above 10,000 "
            "items"
        ),
        2,
    ),
    ("$([x.y for x in depths])", "an attribute (`.name`) is not allowed in an expression", 3),
    ("$(sum(x for x in depths))", "a comprehension is not allowed in an expression", 5),
    ("$(f'{name}')", "an f-string is not allowed in an expression", 2),
    ("$(x := 1)", "an assignment (`:=`) is not allowed in an expression", 2),
    ("$({1: 2})", "a mapping is not allowed in an expression", 2),
    ("$({1})", "a set is not allowed in an expression", 2),
    ("$(max(*depths))", "a star (`*`) is not allowed in an expression", 6),
    ("$(1 is 1)", "`is` is not allowed in an expression", 2),
    ("$(1 @ 2)", "`@` is not allowed in an expression", 2),
    ("$(~1)", "`~` is not allowed in an expression", 2),
    ("$(1 << 100)", "`<<` is not allowed in an expression", 2),
    ("$((yield))", "Python's `Yield` is not allowed in an expression", 3),
    ("$(1j)", "`1j` is not allowed", 2),
    ("$(b'x')", "`b'x'` is not allowed", 2),
    ("$(...)", "`...` is not allowed", 2),
    ("$('\\ud800')", "this string has one half of a surrogate pair", 2),
    # names and functions
    ("$widht", "there is no variable `widht`", 0),
    ("a $(2 * widht)", "there is no variable `widht`", 8),
    ("$(sqrt(4))", "there is no function `sqrt`", 2),
    ("$(name.upper())", "there is no function `name.upper`", 2),
    ("$(__import__('os'))", "there is no function `__import__`", 2),
    ("$(min + 1)", "there is no variable `min`", 2),
    ("$(abs(1, 2))", "`abs` takes 1 argument, not 2", 2),
    ("$(round_to(8))", "`round_to` takes 2 arguments, not 1", 2),
    ("$(min())", "`min` takes at least 1 argument, not 0", 2),
    ("$(round(1, 2, 3))", "`round` takes 1 or 2 arguments, not 3", 2),
    ("$(round(number=1))", "`round` takes its arguments by place, not by name", 2),
    ("x$depths", "a list cannot be put into a longer string", 1),
]


@pytest.mark.parametrize(("text", "message", "offset"), FAULTS)
def test_faults(text: str, message: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, VARIABLES)
    assert (caught.value.message, caught.value.offset) == (message, offset)
    assert str(caught.value) == message


def advice(text: str, variables: dict[str, Value]) -> str | None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, variables)
    return caught.value.help


def test_the_help_fits_the_fault() -> None:
    assert advice("$widht", VARIABLES) == "did you mean `width`?"
    assert advice("$(2 * chanels)", {}) == "did you mean `channels`?"
    assert advice("$x", {"b": 1, "a": 2}) == "the variables here are a, b"
    assert advice("$x", {}) == "no variable is defined here"
    assert advice("$(summ([1]))", {}) == "did you mean `sum`?"
    assert advice("$5", {}) == "write `$$` for a dollar"
    assert advice("$(1, (2", {}) == (
        'close it with `)`; inside `{…}` or `[…]` an expression with a comma is quoted: `"$(…)"`'
    )
    assert advice("$(a.b)", {}) == (
        "an expression is made of numbers, strings, lists, variables, + - * / // % **,"
        " comparisons, and, or, not, `a if c else b`, `list[index]`, `[a for b in list]`, and min,"
        " max, round, floor, ceil, abs, len, sum, range, round_to"
    )


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("$()[]{}ab1 +-*/%<>=,.:'\"\\#@!éif\n\x00ud8")))
def test_no_text_raises_anything_else(text: str) -> None:
    places: list[int] = []
    for test in (lambda: evaluate(text, {"a": 1, "b": [2]}), lambda: names_in(text)):
        try:
            test()
        except ExpressionError as error:
            places.append(error.offset)
    assert all(0 <= place <= len(text) for place in places)


# Names


def test_names_are_those_an_expression_reads() -> None:
    assert names_in("$a-$(max(b, c[index]) if true else null)$$d") == {"a", "b", "c", "index"}
    assert names_in("stage$index") == {"index"}
    assert names_in("plain $$") == frozenset()
    with pytest.raises(ExpressionError, match="an attribute"):
        names_in("$(a.b)")


def test_what_holds_a_dollar_is_dynamic() -> None:
    assert is_dynamic("a$b")
    assert not is_dynamic("a")


def test_ast_is_imported_only_for_an_expression() -> None:
    code = """
import sys
from cnnkit.spec.language.expression import evaluate
before = "cnnkit.spec.language.parsing" in sys.modules
evaluate("$a", {"a": 1})
print(before, "cnnkit.spec.language.parsing" in sys.modules, evaluate("$(2 * a)", {"a": 2}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False 4\n"
