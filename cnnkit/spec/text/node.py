"""A spec as a tree of nodes that know where they stand in the text."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from cnnkit.errors import Location
from cnnkit.spec.text.scalars import Scalar

__all__ = ["Marks", "Source", "YamlNode"]

Marks: TypeAlias = tuple[int, int, int, int]
"""Line, column, end line and end column, from 0, in characters; the end is exclusive."""

# The line breaks of YAML 1.1, which both of PyYAML's parsers count. Were they split otherwise, by
# `str.splitlines` (form feeds) or at "\n" alone (U+2028), a caret would show the wrong line.
_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_NO_KEYS: Final[dict[str, Marks]] = {}
_NOWHERE: Final = -1


class Source:
    """A text and its name, as shown before a line number.

    Attributes:
        name: The file's name, or ``<stdin>``, ``<dict>`` and the like.
        text: The whole text; empty where the spec came from plain data.
    """

    __slots__ = ("_lines", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The lines of the text, without their line breaks."""
        if self._lines is None:
            self._lines = _LINE_BREAK.split(self.text)
        return self._lines

    def line(self, line: int) -> str:
        """The text of a line, counted from 0; empty past the end."""
        return self.lines[line] if line < len(self.lines) else ""

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column, from 0, of the character at an offset."""
        line = start = 0
        for line_break in _LINE_BREAK.finditer(self.text, 0, offset):
            line += 1
            start = line_break.end()
        return line, offset - start

    def location(self, line: int, column: int, end_line: int, end_column: int) -> Location:
        """The place between two marks, which count from 0, as a ``Location``, from 1."""
        last = len(self.lines) - 1
        # The parser in C puts the end of a text on a line after the last one.
        if end_line > last:
            end_line, end_column = last, len(self.lines[last])
        if line > last:
            line, column = end_line, end_column
        text = self.lines[line]
        return Location(self.name, line + 1, column + 1, end_line + 1, end_column + 1, text)


class YamlNode:
    """A value of a spec and its place in the source.

    Nodes are made by the tens of thousands and an alias shares the node of its anchor, so they
    are to be read, not changed: a changed copy is made by ``with_value``.

    Attributes:
        value: A scalar, a list of nodes or a mapping of strings to nodes.
        source: The text the node stands in.
        line: The first line, from 0; -1 where the node came from plain data.
        column: The first column, from 0, in characters.
        end_line: The last line.
        end_column: The column after the last character.
        keys: Of a mapping, where each key stands; otherwise empty.
    """

    __slots__ = ("column", "end_column", "end_line", "keys", "line", "source", "value")

    def __init__(
        self,
        value: Scalar | list[YamlNode] | dict[str, YamlNode],
        source: Source,
        line: int = _NOWHERE,
        column: int = 0,
        end_line: int = 0,
        end_column: int = 0,
        keys: dict[str, Marks] = _NO_KEYS,
    ) -> None:
        self.value = value
        self.source = source
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column
        self.keys = keys

    def __repr__(self) -> str:
        return f"YamlNode({self.plain()!r}, {self.location() or self.source.name})"

    def location(self) -> Location | None:
        """Where the value stands, or None where it came from plain data."""
        if self.line == _NOWHERE:
            return None
        return self.source.location(self.line, self.column, self.end_line, self.end_column)

    def key_location(self, key: str) -> Location | None:
        """Where a key of this mapping stands, or None where that is not known."""
        marks = self.keys.get(key)
        return None if marks is None else self.source.location(*marks)

    def with_value(self, value: Scalar | list[YamlNode] | dict[str, YamlNode]) -> YamlNode:
        """A node of another value at this node's place, with this node's keys."""
        return YamlNode(
            value,
            self.source,
            self.line,
            self.column,
            self.end_line,
            self.end_column,
            self.keys,
        )

    def plain(self) -> Any:
        """The value as plain Python data, without places."""
        value = self.value
        if type(value) is list:
            return [node.plain() for node in value]
        if type(value) is dict:
            return {key: node.plain() for key, node in value.items()}
        return value
