"""YAML 1.2's core schema: which plain scalars are null, booleans, integers and floats.

PyYAML resolves by YAML 1.1, where ``on`` is true, ``1e-3`` a string, ``012`` ten, ``1_000`` and
``1:30`` integers and ``2024-01-01`` a date. Here they are a string, a float, twelve and strings.
"""

from __future__ import annotations

import math
import re
from typing import Final, TypeAlias

from cnnkit.spec.text.limits import MAX_INTEGER_DIGITS, MAX_SCALAR_LENGTH

__all__ = [
    "Scalar",
    "ScalarError",
    "check_collection_tag",
    "kind_of",
    "plain_scalar",
    "shortened",
    "tagged_scalar",
]

_CORE: Final = "tag:yaml.org,2002:"
_CORE_TAGS: Final = ("!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq")

Scalar: TypeAlias = bool | int | float | str | None

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
# A slice of the first character is compared, so the empty scalar is among them.
_FIRST: Final = frozenset({word[:1] for word in _WORDS} | set("+-.0123456789"))
# [0-9] and not \d, which also matches the digits of other scripts.
_DECIMAL: Final = re.compile("[-+]?[0-9]+")
_BASED: Final = re.compile("0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


class ScalarError(ValueError):
    """A scalar that has no value: the rule it breaks, the message and the help."""

    def __init__(self, rule: str, message: str, advice: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.help = advice


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar without a tag.

    Raises:
        ScalarError: The number is too long, or does not fit a float.
    """
    if text[:1] not in _FIRST:
        return text
    if len(text) <= MAX_INTEGER_DIGITS and text.isascii() and text.isdigit():
        return int(text)  # as almost all of these are
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_SCALAR_LENGTH:  # the composer refuses it; not worth a match
        return text
    if _DECIMAL.fullmatch(text):
        return _integer(text, text.lstrip("+-"), 10)
    if _BASED.fullmatch(text):
        return _integer(text, text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return _float(text)
    return text


def tagged_scalar(tag: str, text: str) -> Scalar:
    """The value of a scalar under a tag, such as ``!!float 3``.

    Raises:
        ScalarError: The text is not what the tag says, or the tag is not of the core schema.
    """
    name = _core_tag(tag)
    if name in ("!", "!!str"):
        return text
    value = plain_scalar(text)
    if name == "!!float" and type(value) is int:
        return float(value)
    if type(value) is not _TYPES.get(name):
        raise _misplaced(name, f"`{shortened(text)}`, which is {kind_of(value)}")
    return value


def check_collection_tag(tag: str, expected: str) -> None:
    """Checks the tag of a list, where ``!!seq`` is expected, or a mapping, ``!!map``.

    Raises:
        ScalarError: The tag says something else, or is not of the core schema.
    """
    name = _core_tag(tag)
    if name not in ("!", expected):
        raise _misplaced(name, "a list" if expected == "!!seq" else "a mapping")


def _core_tag(tag: str) -> str:
    name = tag.replace(_CORE, "!!", 1) if tag.startswith(_CORE) else tag
    if name not in _CORE_TAGS and name != "!":
        raise ScalarError(
            "syntax",
            f"the tag `{shortened(name)}` is not known",
            f"remove it; the tags of YAML's core schema are {', '.join(_CORE_TAGS)}",
        )
    return name


def _misplaced(name: str, found: str) -> ScalarError:
    message = f"the tag `{name}` stands before {found}"
    return ScalarError("wrong-type", message, f"remove `{name}` or change the value")


_TYPES: Final[dict[str, type]] = {
    "!!int": int,
    "!!float": float,
    "!!bool": bool,
    "!!null": type(None),
}


def kind_of(value: object) -> str:
    """What a value is, in words for a message: ``an integer``, ``a list``."""
    return _KINDS.get(type(value)) or f"a Python {type(value).__name__}"


_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "a list",
    tuple: "a list",
    dict: "a mapping",
}


def shortened(text: str, length: int = 40) -> str:
    """A text as a message shows it: on one line, and not longer than some characters."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length and len(text) <= 4 * length else line[: length - 1] + "…"


def _integer(text: str, digits: str, base: int) -> int:
    # Counted before `int`: Python's own limit raises, and below it the time is quadratic.
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ScalarError(
            "too-large",
            f"the integer `{shortened(text)}` has {len(digits):,} digits;"
            f" the limit is {MAX_INTEGER_DIGITS}",
            "write a smaller number, or quote it where it is a name",
        )
    return int(text, base)


def _float(text: str) -> float:
    value = float(text)
    too_small = value == 0 and re.search("[1-9]", re.split("[eE]", text)[0])
    if math.isinf(value) or too_small:
        raise ScalarError(
            "wrong-type",
            f"`{shortened(text)}` does not fit a float,"
            " which reaches from 4.9e-324 to 1.8e308 on either side of 0",
            "write 0 for a vanishing number, `.inf` for infinity, or quote it where it is a name",
        )
    return value
