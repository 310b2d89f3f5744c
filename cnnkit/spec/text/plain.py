"""Plain Python data -> a tree of nodes without places, within the limits of a text."""

from __future__ import annotations

from typing import Final

from cnnkit.errors import Finding, SpecError
from cnnkit.spec.text.limits import (
    MAX_DEPTH,
    MAX_INTEGER_DIGITS,
    MAX_NODES,
    MAX_SCALAR_LENGTH,
)
from cnnkit.spec.text.node import Source, YamlNode
from cnnkit.spec.text.scalars import Scalar, kind_of

__all__ = ["node_of", "read_plain"]

_INTEGER_BOUND: Final = 10**MAX_INTEGER_DIGITS


def read_plain(data: object, name: str = "<dict>") -> tuple[YamlNode | None, list[Finding]]:
    """Reads data made of None, booleans, numbers, strings, lists, tuples and dicts.

    Args:
        data: The data, such as a dict that says what a YAML file would.
        name: What the source of the nodes is called.

    Returns:
        The tree, or None where the data exceeds a budget, and the findings. Each finding's path
        says where in the data; its location is None.
    """
    reader = _Reader(Source(name, ""))
    try:
        return reader.read(data), reader.findings
    except _OverBudgetError:
        return None, reader.findings


class _OverBudgetError(Exception):
    """The data exceeds a budget, which is among the findings, and reading stops."""


class _Reader:
    def __init__(self, source: Source) -> None:
        self.findings: list[Finding] = []
        self._source = source
        self._nodes = 0
        self._path: list[str | int] = []  # of what is being read

    def read(self, data: object) -> YamlNode:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._report("too-large", f"the spec has more than {MAX_NODES:,} values", "shorten it")
            raise _OverBudgetError
        if not isinstance(data, list | tuple | dict):
            return YamlNode(self._scalar(data), self._source)
        if len(self._path) == MAX_DEPTH:  # a list that contains itself ends here, too
            message = f"lists and dicts are nested more than {MAX_DEPTH} deep"
            self._report("too-large", message, "name the inner layers as a block in `blocks:`")
            raise _OverBudgetError
        if isinstance(data, dict):
            return YamlNode(self._mapping(data), self._source)
        return YamlNode([self._inner(index, item) for index, item in enumerate(data)], self._source)

    def _inner(self, key: str | int, data: object) -> YamlNode:
        self._path.append(key)
        node = self.read(data)
        self._path.pop()
        return node

    def _mapping(self, data: dict[object, object]) -> dict[str, YamlNode]:
        mapping: dict[str, YamlNode] = {}
        for key, value in data.items():
            if isinstance(key, str):
                text = self._string(key)
                mapping[text] = self._inner(text, value)
            else:
                self._report(
                    "wrong-type",
                    f"a key must be a string, and {_shown(key)} is {kind_of(key)}",
                    "quote it, where its text is meant",
                )
        return mapping

    def _scalar(self, data: object) -> Scalar:
        if data is None or isinstance(data, bool):
            return data
        if isinstance(data, str):
            return self._string(data)
        # The methods of the base types, because a subclass, as of an enum, may have its own.
        if isinstance(data, float):
            return float.__float__(data)
        if isinstance(data, int):
            number = int.__int__(data)
            if abs(number) < _INTEGER_BOUND:
                return number
            message = f"an integer has more than {MAX_INTEGER_DIGITS} digits"
            self._report("too-large", message, "write a smaller number")
            return None
        advice = "use None, booleans, numbers, strings, lists, tuples and dicts"
        if hasattr(data, "tolist"):  # an array, without importing its package
            advice = "convert it by its method `tolist()`"
        self._report("wrong-type", f"{kind_of(data)} has no place in a spec", advice)
        return None

    def _string(self, data: str) -> str:
        text = str.__str__(data)
        if len(text) > MAX_SCALAR_LENGTH:
            message = f"a string of {len(text):,} characters; the limit is {MAX_SCALAR_LENGTH:,}"
            self._report("too-large", message, "long data does not belong in a spec")
            return text
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = f"U+{ord(text[error.start]):04X} is one half of a surrogate pair"
            self._report("wrong-type", message, "write the character itself")
            return text.encode(errors="replace").decode()
        return text

    def _report(self, rule: str, message: str, advice: str) -> None:
        path = ".".join(map(str, self._path)) or None
        self.findings.append(Finding(rule, "error", message, advice, path=path))


def _shown(key: object) -> str:
    # Only what is short to show: `repr` of an integer may be long, of an object may do anything.
    short = key is None or isinstance(key, bool | float)
    if short or (isinstance(key, int) and abs(key) < _INTEGER_BOUND):
        return f"`{key}`"
    return "one"


def node_of(data: object) -> YamlNode:
    """The node of plain Python data that is known to be sound.

    Raises:
        SpecError: The data exceeds a limit or holds what YAML could not have said.
    """
    node, findings = read_plain(data)
    if node is None or findings:
        raise SpecError(findings)
    return node
