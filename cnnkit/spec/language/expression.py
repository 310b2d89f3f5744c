"""``$name`` and ``$(expression)`` in the strings of a spec.

An expression is parsed by Python's own ``ast``, checked against a whitelist and evaluated by a
small tree walker (``expression_tree``); nothing is ever executed. Every step is bounded.

    >>> evaluate("$(4 * width)", {"width": 64})
    256
    >>> evaluate("stage$index", {"index": 2})
    'stage2'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from cnnkit.spec.language.value import CONSTANTS, MAX_TEXT_LENGTH, ExpressionError, Value, lookup

if TYPE_CHECKING:
    from cnnkit.spec.language.parsing import Tree

__all__ = ["ExpressionError", "Value", "evaluate", "is_dynamic", "names_in"]

MAX_EXPRESSION_LENGTH: Final = 1_000
"""Characters of a string with expressions; ten lines of a screen."""

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_STRING_OR_BRACKET: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[()'"]""", re.DOTALL)


class _Variable(NamedTuple):
    name: str
    offset: int

    def value(self, variables: Mapping[str, Value]) -> Value:
        if self.name in variables:
            return variables[self.name]
        return lookup(self.name, variables, self.offset)


class _Expression(NamedTuple):
    tree: Tree
    offset: int

    def value(self, variables: Mapping[str, Value]) -> Value:
        try:
            return self.tree.evaluate(variables)
        except ExpressionError as error:
            raise error.moved(self.offset) from None


_Part: TypeAlias = str | _Variable | _Expression


def is_dynamic(text: str) -> bool:
    """Whether a string has to be evaluated: it holds a ``$``."""
    return "$" in text


def names_in(text: str) -> frozenset[str]:
    """The variables that a string reads, whether or not they are defined.

    Raises:
        ExpressionError: The string is no valid expression.
    """
    names: set[str] = set()
    for part in _parts(text):
        if isinstance(part, _Variable):
            names.add(part.name)
        elif isinstance(part, _Expression):
            names |= part.tree.names
    return frozenset(names - CONSTANTS.keys())


def evaluate(text: str, variables: Mapping[str, Value]) -> Value:
    """The value of a string.

    A string that is exactly one ``$name`` or ``$(expression)`` has the value's own type. Inside a
    longer string the value is put in as text; ``$$`` is a dollar.

    The semantics are Python's, with one difference: ``/`` of two integers is an integer where it
    divides exactly, because a float would lose the last digits of a count beyond 2**53.

    Raises:
        ExpressionError: The string is no valid expression, or cannot be evaluated.
    """
    parts = _parts(text)
    if len(parts) == 1:
        part = parts[0]
        return part if isinstance(part, str) else part.value(variables)
    written = "".join(
        [part if isinstance(part, str) else _as_text(part, variables) for part in parts]
    )
    if len(written) > MAX_TEXT_LENGTH:
        message = f"this gives {len(written):,} characters; the limit is {MAX_TEXT_LENGTH:,}"
        raise ExpressionError(message, "shorten the strings that are put in")
    return written


def _as_text(part: _Variable | _Expression, variables: Mapping[str, Value]) -> str:
    """A value as it is put into a longer string: as YAML would write it."""
    value = part.value(variables)
    if isinstance(value, list):
        message = "a list cannot be put into a longer string"
        advice = "put in one of its items, such as `$(name[0])`"
        raise ExpressionError(message, advice, part.offset)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # "16x16", not "16.0x16.0", where a float was halved
    return str(value)


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[_Part, ...]:
    """A string, cut into what stands for itself and what is put in."""
    if len(text) > MAX_EXPRESSION_LENGTH:
        message = f"{len(text):,} characters; the limit of a string with `$` is"
        raise ExpressionError(
            f"{message} {MAX_EXPRESSION_LENGTH:,}", "split it by variables; `$$` is a dollar"
        )
    parts: list[_Part] = []
    literal = ""
    end = 0
    while (dollar := text.find("$", end)) >= 0:
        literal += text[end:dollar]
        start = dollar + 1
        if text.startswith("$", start):
            literal += "$"
            end = start + 1
            continue
        if literal:
            parts.append(literal)
            literal = ""
        if text.startswith("(", start):
            end = _closing_bracket(text, start) + 1
            parts.append(_Expression(_parsed(text[start + 1 : end - 1], start + 1), start + 1))
        elif name := _NAME.match(text, start):
            end = name.end()
            parts.append(_Variable(name.group(), dollar))
        else:
            found = f"`{text[start]}`" if start < len(text) else "the end of the string"
            message = f"a name or `(` is expected after `$`, not {found}"
            raise ExpressionError(message, "write `$$` for a dollar", dollar)
    literal += text[end:]
    if literal:
        parts.append(literal)
    return tuple(parts)


def _closing_bracket(text: str, start: int) -> int:
    """Where the bracket that opens at ``start`` closes; brackets in strings do not count."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text, start):
        sign = token.group()
        if sign in ("'", '"'):
            message = f"the quote `{sign}` is never closed"
            raise ExpressionError(message, f"close it with `{sign}`", token.start())
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return token.start()
    raise ExpressionError(
        f"the bracket of `{text[start - 1 :]}` is never closed",
        'close it with `)`; inside `{…}` or `[…]` an expression with a comma is quoted: `"$(…)"`',
        start - 1,
    )


def _parsed(text: str, offset: int) -> Tree:
    from cnnkit.spec.language.parsing import parse  # Python's own parser: not all specs need it

    try:
        return parse(text)
    except ExpressionError as error:
        raise error.moved(offset) from None
