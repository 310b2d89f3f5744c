"""A value of a layer changed where it is written, all else of the text as it was."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from cnnkit.errors import Location
from cnnkit.layers.base import Layer
from cnnkit.playground.calculator.judged import Edit, edit_at, judged, layer_at, written_at
from cnnkit.spec.language.place import LayerPlace
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.text.node import YamlNode

_NUMBER: Final = re.compile(r"[+-]?\d+")
_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\((\w+)\))")


class FieldText(NamedTuple):
    """How a field stands in the text.

    Attributes:
        how: ``number``, ``word``, ``variable``, ``expression``, or ``default`` if left out.
        where: What is to be rewritten; None where nothing can be.
        text: What stands there.
    """

    how: str
    where: Location | None
    text: str


def change(text: str, path: str, field: str, value: str, index: int | None = None) -> list[Edit]:
    """The edits that give a layer's field another value; none where it cannot be rewritten.

    Args:
        text: The spec.
        path: The layer's path.
        field: The field.
        value: The new value, as it is to be written.
        index: The entry, of a field that has one an axis.
    """
    analysis = judged(text).analysis
    found = layer_at(analysis, path) if analysis else None
    if analysis is None or found is None or found.layer is None:
        return []
    written = written_as(analysis.spec, found.layer, field, index)
    if written.how in ("number", "word", "variable") and written.where is not None:
        return [edit_at(written.where, value)]
    return put(found.layer, field, value) if written.how == "default" else []


def written_as(spec: Spec, layer: Layer, field: str, index: int | None = None) -> FieldText:
    """How a field of a layer stands in the text."""
    place = layer.place
    path: tuple[Any, ...] = (field,) if index is None else (field, index)
    if not isinstance(place, LayerPlace):
        return FieldText("expression", None, "")
    fields = place.fields
    if fields is None or not isinstance(fields.value, dict) or field not in fields.value:
        return FieldText("default", None, "")
    where = place.find(path)
    text = written_at(where) if where else ""
    if where is None or (index is not None and not isinstance(fields.value[field].value, list)):
        return FieldText("expression", None, text)
    if _NUMBER.fullmatch(text):
        return FieldText("number", where, text)
    if (named := _VARIABLE.fullmatch(text)) is not None:
        return _variable(spec, where, named[1] or named[2], text)
    return FieldText("word" if text.isalpha() else "expression", where, text)


def _variable(spec: Spec, where: Location, name: str, text: str) -> FieldText:
    """A number of `variables:`, where it is what the name means there."""
    document = spec.origin.document
    variables = _inside(document, "variables")
    node = _inside(variables, name)
    target = node.location() if node is not None else None
    shadowed = _shadowed(document, where, name)
    if target is None or shadowed or not _NUMBER.fullmatch(written_at(target)):
        return FieldText("expression", None, text)
    return FieldText("variable", target, text)


def _shadowed(document: YamlNode | None, where: Location, name: str) -> bool:
    """Whether a place is in a block with an argument of this name."""
    blocks = _inside(document, "blocks")
    if blocks is None or not isinstance(blocks.value, dict):
        return False
    for block in blocks.value.values():
        arguments = _inside(block, "arguments")
        inside = block.line < where.line <= block.end_line + 1
        if inside and _inside(arguments, name) is not None:
            return True
    return False


def _inside(node: YamlNode | None, key: str) -> YamlNode | None:
    return node.value.get(key) if node is not None and isinstance(node.value, dict) else None


def put(layer: Layer, field: str, value: str) -> list[Edit]:
    """The edits that write a value into a layer, in the place of what stands there, or anew."""
    place = layer.place
    if not isinstance(place, LayerPlace):
        return []
    fields = place.fields
    if fields is None:
        where = place.find(())
        return [edit_at(where, f"{written_at(where)}: {{{field}: {value}}}")] if where else []
    if not isinstance(fields.value, dict):
        return []
    if field in fields.value:
        where = fields.value[field].location()
        return [edit_at(where, value)] if where else []
    where = fields.location()
    if where is None or fields.source.line(where.line - 1)[where.column - 1 :][:1] != "{":
        return _first(fields, field, value, "\n")
    inner = written_at(where)
    if not inner.endswith("}"):
        return _first(fields, field, value, "")
    end = where.end_column - 1
    joint = ", " if inner[1:-1].strip() else ""
    return [
        edit_at(Location(where.file, where.line, end, where.line, end), f"{joint}{field}: {value}")
    ]


def _first(fields: YamlNode, field: str, value: str, line_break: str) -> list[Edit]:
    """A field put before all others of a mapping that goes over several lines."""
    first = fields.key_location(next(iter(fields.keys), ""))
    if first is None:
        return []
    indent = " " * (first.column - 1)
    joint = f"{line_break}{indent}" if line_break else ", "
    at = Location(first.file, first.line, first.column, first.line, first.column)
    return [edit_at(at, f"{field}: {value}{joint}")]
