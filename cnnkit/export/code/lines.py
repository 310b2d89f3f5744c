"""Lines of code whose values may become arguments, and names that Python takes.

A target writes each layer as a text in which the values of this layer stand in *holes*. Two
layers whose texts differ in their holes alone are one line of one class, called with different
arguments; a hole that has one value everywhere is written out. Holes are delimited by characters
of Unicode's private use area, which no code holds.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import fill
from typing import NamedTuple

_OPEN, _NEXT, _CLOSE = "\ue000", "\ue001", "\ue002"
NAME = "\ue003"
"""Stands for the layer's path in the spec, as a string of the target."""

COPY = "[\ue004]"
"""Stands in a path for the number of the copy, which is another one each time."""
INDEX = "[\ue005]"
"""Stands in a path for the number of the copy that is called."""

_HOLE = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_WIDTH = 100
_INDENT = "    "


class Hole(NamedTuple):
    """A value in a text: ``, stride=2``, left out where it is written out and the default."""

    prefix: str
    name: str
    value: str
    default: str


def hole(name: str, value: object) -> str:
    """A value that may become the argument ``name``."""
    return f"{_OPEN}{_NEXT.join(('', name, written(value), ''))}{_CLOSE}"


def written(value: object) -> str:
    """A value as code: as Python shows it, but with strings in double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def option(keyword_: str, value: object, default: object, name: str = "") -> str:
    """The keyword argument ``, keyword=value``, left out where it is the default."""
    fields = (f", {keyword_}=", name or keyword_, written(value), written(default))
    return f"{_OPEN}{_NEXT.join(fields)}{_CLOSE}"


def holes(text: str) -> Iterator[Hole]:
    """The holes of a text, in order."""
    for match in _HOLE.finditer(text):
        yield Hole(*match[1].split(_NEXT))


def skeleton(text: str) -> str:
    """What is left of a text without the values in its holes."""
    return _HOLE.sub(lambda match: _OPEN + match[1].split(_NEXT)[1] + _CLOSE, text)


def filled(text: str, value: Callable[[Hole], str | None]) -> str:
    """The text with holes filled: by what ``value`` gives, or else written out."""

    def fill(match: re.Match[str]) -> str:
        found = Hole(*match[1].split(_NEXT))
        given = value(found)
        if given is None:
            return "" if found.value == found.default else found.prefix + found.value
        return found.prefix + given

    return _HOLE.sub(fill, text)


def annotation(values: Iterable[str]) -> str:
    """The type of an argument that takes these values, as they are written."""
    kinds = {_type(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else " | ".join(sorted(kinds))


def _type(value: str) -> str:
    if value in ("True", "False"):
        return "bool"
    if value.startswith("("):
        inner = "tuple[int, int]" if value.startswith("((") else "int"
        return f"tuple[{inner}, ...]"
    if value[0] in "'\"":
        return "str"
    return "int" if value.lstrip("-").isdigit() else "float"


def identifier(text: str, taken: Iterable[str] = ()) -> str:
    """A name that Python takes, as like ``text`` as can be, and none of those ``taken``."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "layer"
    if name[0].isdigit():
        name = f"layer{name}"
    used = set(taken)
    if keyword.iskeyword(name) or hasattr(builtins, name):
        name = f"{name}_"
    number, joint = 2, "_" if name[-1].isdigit() else ""
    chosen = name
    while chosen in used:
        chosen = f"{name}{joint}{number}"
        number += 1
    return chosen


def class_name(text: str, taken: Iterable[str] = ()) -> str:
    """The name of a class, ``conv_norm`` → ``ConvNorm``, that is none of those ``taken``."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(word[0].upper() + word[1:] for word in words) or "Network"
    if name[0].isdigit():
        name = f"Network{name}"
    used = set(taken)
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in used:
        number = 2
        joint = "_" if name[-1].isdigit() else ""
        while f"{name}{joint}{number}" in used:
            number += 1
        return f"{name}{joint}{number}"
    return name


def comment(text: str) -> str:
    """A text on one line, for a comment or docstring: a spec's names may hold anything."""
    text = text.replace(COPY, "[*]")
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown.replace("\\", "/").replace('"""', "'''").strip()


def summary(title: str, inputs: str, outputs: str) -> str:
    """What a docstring at the first depth says of a network; of many outputs in several lines."""
    text = f"{comment(title)}: {inputs} → {comment(outputs)}."
    if len(text) <= _WIDTH - len(_INDENT) - 2 * len('"""'):
        return text
    words = fill(text, _WIDTH - 8, subsequent_indent=_INDENT, break_on_hyphens=False)
    return f"{words}\n{_INDENT}"


def line(code: str, depth: int, note: str = "") -> list[str]:
    """A statement at a depth of blocks, with a comment, in lines of at most 100 columns."""
    indent = _INDENT * depth
    beside = f"{indent}{code}  # {note}" if note else indent + code
    if len(beside) <= _WIDTH:
        return [beside]
    above = [f"{indent}# {note}"] if note else []
    if len(indent + code) <= _WIDTH:
        return [*above, indent + code]
    return [*above, *_broken(code, depth)]


def _broken(code: str, depth: int) -> list[str]:
    """A call too long for its line: its arguments on one, or a line each."""
    indent, inner = _INDENT * depth, _INDENT * (depth + 1)
    start, stop = _outermost(code)
    if start < 0 or stop == start + 1:
        return [indent + code]
    first, content, last = code[: start + 1], code[start + 1 : stop], code[stop:]
    if len(inner + content) <= _WIDTH:
        return [indent + first, inner + content, indent + last]
    lines = [indent + first]
    made, loop, over = content.partition(" for _ in ")
    if loop and content.endswith(")") and "\n" not in content and code[start] == "[":
        parts = [made, f"for _ in {over}"]
    else:
        parts = [f"{argument}," for argument in _arguments(content)]
    for part in parts:
        lines += [inner + part] if len(inner + part) <= _WIDTH else _broken(part, depth + 1)
    return [*lines, indent + last]


def _outermost(code: str) -> tuple[int, int]:
    """Where the longest bracket of the outermost level opens and closes."""
    found, depth, opened = (-1, -1), 0, 0
    for place, char in _outside_strings(code):
        if char in "([{":
            opened = place if depth == 0 else opened
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0 and place - opened > found[1] - found[0]:
                found = (opened, place)
    return found


def _arguments(code: str) -> Iterator[str]:
    """The parts of a text between the commas of its outermost level."""
    depth = start = 0
    for place, char in _outside_strings(code):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            yield code[start:place].strip()
            start = place + 1
    if code[start:].strip():
        yield code[start:].strip()


def _outside_strings(code: str) -> Iterator[tuple[int, str]]:
    quote = ""
    for place, char in enumerate(code):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            yield place, char


def listed(values: Sequence[str]) -> str:
    """Values as a tuple of Python: ``(1,)``, ``(1, 2)``."""
    return f"({', '.join(values)}{',' if len(values) == 1 else ''})"
