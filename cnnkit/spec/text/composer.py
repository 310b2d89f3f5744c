"""The parser's events -> a tree of nodes, with the findings that do not stop the reading.

The tree is built with a stack of its own: PyYAML's composers recurse, and the one in C crashes
the interpreter on deep nesting. The budgets are checked as the events come, so nothing larger
than they allow is ever built.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from cnnkit.errors import Finding
from cnnkit.spec.text.limits import MAX_DEPTH, MAX_NODES, MAX_SCALAR_LENGTH
from cnnkit.spec.text.node import Marks, Source, YamlNode
from cnnkit.spec.text.refusals import DROPPED, Refusals, marks_of
from cnnkit.spec.text.scalars import (
    Scalar,
    ScalarError,
    check_collection_tag,
    plain_scalar,
    tagged_scalar,
)

__all__ = ["Composer"]

# What holds the open collection: its node, its mapping, keys and pending key or its list, its
# anchor, the number of nodes before it, and the height of what it holds so far.
_Outer: TypeAlias = tuple[
    YamlNode,
    dict[str, YamlNode] | None,
    dict[str, Marks],
    str | None,
    list[YamlNode],
    str | None,
    int,
    int,
]


class Composer:
    """Composes the events of one text.

    Args:
        source: What the marks of the events refer to.
        json_strings: The quoted strings are JSON's and are decoded from the source, because the
            parser was given a text in which their surrogate escapes are masked.

    Attributes:
        findings: What was found so far, in the order of the text.
    """

    def __init__(self, source: Source, *, json_strings: bool = False) -> None:
        self.source = source
        self.findings: list[Finding] = []
        self._faults = Refusals(source, self.findings)
        self._json_strings = json_strings
        # A complete node with its size and height after expansion; None while it is open.
        self._anchors: dict[str, tuple[YamlNode, int, int] | None] = {}

    def compose(self, next_event: Callable[[], Any]) -> YamlNode | None:
        """The tree of the first document, or None where the text holds none.

        Reading a spec spends most of its time in this loop, so what every event needs is done
        in line, and only the rest in methods.

        Args:
            next_event: Gives the parser's events one by one, a ``StreamEndEvent`` last.

        Raises:
            RefusedError: A budget is exceeded.
        """
        source = self.source
        resolved: dict[str, Scalar] = {}
        documents: list[YamlNode] = []
        # What is open: a mapping with its keys, or, where that is None, a list.
        sequence = documents
        mapping: dict[str, YamlNode] | None = None
        keys: dict[str, Marks] = {}
        key: str | None = None  # None while the next event of the mapping is a key
        opened = YamlNode(documents, source)
        anchor: str | None = None
        before = total = height = 0
        stack: list[_Outer] = []
        last_end: Any = None
        line = 0

        while True:
            event = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                start = event.start_mark
                last_end = end = event.end_mark
                if start.line != line:
                    line = start.line  # one number serves all marks of a line
                end_line = line if end.line == line else end.line
                value: Scalar
                if event.tag is None and not event.style:
                    text = event.value
                    value = resolved[text] if text in resolved else self._plain(event, resolved)
                else:
                    value = self._quoted_or_tagged(event)
                if mapping is not None and key is None:
                    marks = (line, start.column, end_line, end.column)
                    if type(value) is str and value not in keys and value != "<<":
                        key = value
                        keys[key] = marks
                    else:
                        key = self._faults.key(value, event, marks, keys)
                    if event.anchor is not None:
                        self._anchors[event.anchor] = (YamlNode(value, source, *marks), 1, 0)
                    continue
                node = YamlNode(value, source, line, start.column, end_line, end.column)
                total += 1
                if event.anchor is not None:
                    self._anchors[event.anchor] = (node, 1, 0)

            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if len(stack) == MAX_DEPTH:
                    raise self._faults.too_deep(event, MAX_DEPTH + 1)
                if event.tag is not None:
                    self._check_tag(event, "!!map" if kind is MappingStartEvent else "!!seq")
                if event.anchor is not None:
                    self._anchors[event.anchor] = None
                stack.append((opened, mapping, keys, key, sequence, anchor, before, height))
                start = event.start_mark
                if start.line != line:
                    line = start.line
                anchor = event.anchor
                before = total
                total += 1
                height = 0
                key = None
                if kind is MappingStartEvent:
                    mapping = {}
                    keys = {}
                    opened = YamlNode(mapping, source, line, start.column, 0, 0, keys)
                else:
                    mapping = None
                    sequence = []
                    opened = YamlNode(sequence, source, line, start.column)
                continue

            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                end = event.end_mark
                if end.index == event.start_mark.index:
                    end = last_end  # a block is said to end at the next token, after comments
                else:
                    last_end = end
                node = opened
                node.end_line = line if end.line == line else end.line
                node.end_column = end.column
                reach = height + 1
                if anchor is not None:
                    self._anchors[anchor] = (node, total - before, reach)
                opened, mapping, keys, key, sequence, anchor, before, height = stack.pop()
                if reach > height:
                    height = reach
                if mapping is not None and key is None:
                    key = self._faults.collection_as_key(node)
                    continue

            elif kind is AliasEvent:
                last_end = event.end_mark
                node, size, reach = self._alias(event)
                if mapping is not None and key is None:
                    key = self._faults.key(node.value, event, marks_of(event), keys)
                    continue
                if len(stack) + reach > MAX_DEPTH:
                    raise self._faults.too_deep(event, len(stack) + reach)
                total += size
                if reach > height:
                    height = reach

            elif kind is StreamEndEvent:
                break
            elif kind is DocumentStartEvent and documents:
                self._faults.add(
                    event,
                    "syntax",
                    "a second document starts here; a spec is one document",
                    "remove this line, or keep each document in a file of its own",
                )
                break
            else:
                continue

            if total > MAX_NODES:
                raise self._faults.too_many(event, total)
            if mapping is None:
                sequence.append(node)
            else:
                if key is not DROPPED and key is not None:
                    mapping[key] = node
                key = None
        return documents[0] if documents else None

    def _plain(self, event: Any, resolved: dict[str, Scalar]) -> Scalar:
        """The value of an unquoted scalar, which is remembered where it has no fault."""
        text: str = event.value
        if len(text) > MAX_SCALAR_LENGTH:
            self._faults.too_long(event)
            return text
        try:
            value = resolved[text] = plain_scalar(text)
        except ScalarError as error:
            self._faults.add(event, error.rule, error.message, error.help)
            return text
        return value

    def _quoted_or_tagged(self, event: Any) -> Scalar:
        text: str = event.value
        if len(text) > MAX_SCALAR_LENGTH:
            self._faults.too_long(event)
            return text
        if self._json_strings and event.style == '"':
            text = json.loads(self.source.text[event.start_mark.index : event.end_mark.index])
        if not text.isascii():
            text = self._without_surrogates(text, event)
        if event.tag is None:
            return text
        try:
            return tagged_scalar(event.tag, text)
        except ScalarError as error:
            self._faults.add(event, error.rule, error.message, error.help)
            return text

    def _without_surrogates(self, text: str, event: Any) -> str:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(text[error.start]):04x}"
            message = f"`{half}` is one half of a surrogate pair, and the other half is missing"
            advice = "write both halves, or the character itself"
            self._faults.add(event, "syntax", message, advice)
            return text.encode(errors="replace").decode()
        return text

    def _check_tag(self, event: Any, expected: str) -> None:
        try:
            check_collection_tag(event.tag, expected)
        except ScalarError as error:
            self._faults.add(event, error.rule, error.message, error.help)

    def _alias(self, event: Any) -> tuple[YamlNode, int, int]:
        """What an alias stands for: its node, and the size and height of that node."""
        found = self._anchors.get(event.anchor)
        if found is None:
            self._faults.alias(event, self._anchors)
            found = YamlNode(None, self.source, *marks_of(event)), 1, 0
        return found
