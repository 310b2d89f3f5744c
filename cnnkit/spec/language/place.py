"""Where a layer stands in the text, as findings about it need to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnkit.errors import Location
from cnnkit.spec.text.node import YamlNode

_MAX_USES = 8


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """Where a layer is written.

    Attributes:
        node: The layer's node.
        key: The key of its kind; None where the node is a bare kind.
        index: Its number in the list it is written in; layers that `when` leaves out count.
    """

    node: YamlNode
    key: str | None = None
    index: int | None = None

    @property
    def fields(self) -> YamlNode | None:
        """What stands behind the kind."""
        if self.key is None or not isinstance(self.node.value, dict):
            return None
        return self.node.value[self.key]

    def find(self, field: tuple[str | int, ...]) -> Location | None:
        """The place of a field, as deep as it is written; else that of the layer's kind."""
        fields = self.fields
        if fields is None or self.key is None:
            return self.node.location()
        if field and not isinstance(fields.value, dict | None):  # a field without its key,
            return inmost(fields, field[1:]).location()  # as in `save: NAME`
        found = inmost(fields, field)
        if found is not fields:
            return found.location()
        return self.node.key_location(self.key) or self.node.location()

    def find_key(self, field: str) -> Location | None:
        """The place of a field's key; else that of the layer's kind."""
        fields = self.fields
        where = fields.key_location(field) if fields is not None else None
        return where or self.find(())


def inmost(node: YamlNode, path: Sequence[str | int]) -> YamlNode:
    """The node at a path below another, or the last on the way that is written."""
    for part in path:
        inner = node.value
        if isinstance(inner, dict) and part in inner:
            node = inner[str(part)]
        elif isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            node = inner[part]
        else:
            break
    return node


def ends(uses: Sequence[Location]) -> tuple[Location, ...]:
    """The uses of a block that a finding shows: of a long chain, the first and the last."""
    half = _MAX_USES // 2
    return tuple(uses) if len(uses) <= _MAX_USES else (*uses[:half], *uses[-half:])


def in_pass(passes: Sequence[tuple[int, int]]) -> str:
    """In which pass of the repeats around it something is, the outermost first; of one alone none.

    >>> in_pass([(2, 3), (1, 1)])
    ' (pass 2 of 3)'
    """
    counted = [f"pass {number:,} of {times:,}" for number, times in passes if times > 1]
    return f" ({', in it '.join(counted)})" if counted else ""


def inside(node: YamlNode, offset: int) -> Location | None:
    """The place ``offset`` characters into a string's text."""
    where = node.location()
    if where is None or where.line != where.end_line:
        return where
    quoted = where.text[where.column - 1 : where.column] in ("'", '"')
    column = min(where.column + offset + quoted, max(where.end_column - 1, where.column))
    return Location(where.file, where.line, column, where.end_line, where.end_column, where.text)
