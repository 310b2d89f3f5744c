"""What the editor completes and explains: the JSON Schema of the language as a plain tree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from cnnkit.layers import KINDS
from cnnkit.layers.kinds import DEPRECATED
from cnnkit.spec.schema.document import schema

Word = dict[str, Any]
"""``about``, what it is; ``values``, words that it takes; ``fields``, the words inside it."""

_DEEPEST: Final = 6
_LAYERS: Final = frozenset({"layers", "branches", "shortcut", "blocks", "defaults"})


def words(rules: Collection[str]) -> dict[str, Any]:
    """The words of the language.

    Returns:
        ``sections``, the keys at the top, and ``kinds``, those of a layer with the fields that each
        needs; both trees of words.
    """
    document = schema(rules)
    definitions = document["$defs"]
    tree = _Tree(definitions)
    sections = {name: tree.word(part, 0) for name, part in document["properties"].items()}
    for name in _LAYERS & sections.keys():
        sections[name].pop("fields", None)  # what layers hold stands in `kinds`
    needed = definitions["complete-layer"]["properties"]
    kinds = {
        kind: {
            **tree.word(definitions[kind], 0),
            "family": family,
            "needs": [
                name for part in needed[kind].get("allOf", ()) for name in part.get("required", ())
            ],
        }
        for kind, family in KINDS.items()
        if kind not in DEPRECATED
    }
    return {"sections": sections, "kinds": kinds}


class _Tree:
    """The parts of a schema as words, references resolved."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions

    def word(self, part: Mapping[str, Any], depth: int) -> Word:
        """What a part of the schema says, and what it holds."""
        about = part.get("description", "")
        found: Word = {"about": about} if about else {}
        values: dict[str, None] = {}
        fields: dict[str, Word] = {}
        for choice in self._choices(part, 0):
            listed = (choice, choice.get("items", {}))
            words = [word for each in listed for word in each.get("enum", ())]
            for value in (*words, *([choice["const"]] if "const" in choice else [])):
                if value is not None:
                    values[_written(value)] = None
            if choice.get("type") == "boolean":
                values |= {"true": None, "false": None}
            for name, inner in choice.get("properties", {}).items():
                if depth < _DEEPEST and name not in _LAYERS:
                    fields.setdefault(name, self.word(inner, depth + 1))
                elif name in _LAYERS:
                    fields.setdefault(name, {"about": inner.get("description", "")})
        for example in part.get("examples", ()):
            if isinstance(example, str | int):
                values[_written(example)] = None
        if values:
            found["values"] = list(values)
        if fields:
            found["fields"] = fields
        return found

    def _choices(self, part: Mapping[str, Any], depth: int) -> list[Mapping[str, Any]]:
        """A part and all that it may be instead."""
        found = [part]
        if depth < _DEEPEST:
            if "$ref" in part:
                inner = self.definitions[part["$ref"].removeprefix("#/$defs/")]
                found += self._choices(inner, depth + 1)
            for key in ("anyOf", "oneOf", "allOf"):
                for choice in part.get(key, ()):
                    found += self._choices(choice, depth + 1)
        return found


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
