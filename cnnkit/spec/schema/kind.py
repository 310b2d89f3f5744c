"""The JSON Schema of one kind of layer, all of it from the kind's Pydantic model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from pydantic import ValidationError

from cnnkit.layers import layer_class
from cnnkit.layers.base import Layer
from cnnkit.layers.kinds import DEPRECATED, instead
from cnnkit.spec.language.layer import BESIDE
from cnnkit.spec.schema.field import Schema, explained, fields, misnamed

_ALSO: Final[dict[str, list[Schema]]] = {"shortcut": [{"enum": ["identity"]}]}


@dataclass(frozen=True)
class KindSchema:
    """A kind as its schema needs it.

    Attributes:
        layer: The model.
        fields: The schema of each field.
        required: The fields without which it is none.
        bare: Whether it may stand without fields: `- flatten`.
    """

    layer: type[Layer]
    fields: dict[str, Schema]
    required: tuple[str, ...]
    bare: bool

    @property
    def sequences(self) -> tuple[str, ...]:
        """The fields that hold layers."""
        branches = ("branches",) if "branches" in self.fields else ()
        return (*self.layer.sequence_fields, *branches)

    @property
    def texts(self) -> Schema:
        """What an editor shows: the docstring, and the fields with those needed in bold.

        Of a deprecated kind that comes first; a ``deprecationMessage`` would be shown as an error.
        """
        shown = explained(self.layer, self.layer.kind, self.fields, self.required)
        if self.layer.kind not in DEPRECATED:
            return shown
        told = ("description", "markdownDescription")
        better = f"Deprecated: {instead(self.layer.kind)}."
        return {**shown, **{key: f"{better}\n\n{shown[key]}" for key in told}}

    @property
    def deprecation(self) -> Schema:
        """What an editor strikes through the name of a kind for."""
        return {"deprecated": True} if self.layer.kind in DEPRECATED else {}

    def definition(self) -> Schema:
        """The fields, any of which may be left out, as `defaults:` may give it."""
        names = {field: info.alias or field for field, info in self.layer.model_fields.items()}
        aliases = {other: names[field] for other, field in self.layer.field_aliases.items()}
        beside = f"it stands beside the kind: `- {{name: …, {self.layer.kind}: {{…}}}}`"
        return {
            **self.texts,
            **self.deprecation,
            "properties": self.fields,
            "patternProperties": {
                **misnamed(aliases),
                f"^(?:{'|'.join(BESIDE)})$": {"type": ["null"], "errorMessage": beside},
            },
            "additionalProperties": False,
        }

    def use(self) -> Schema:
        """What stands behind the kind's key."""
        definition = {"$ref": f"#/$defs/{self.layer.kind}"}
        if self.layer.scalar_field is not None:
            scalar = self.fields[self.layer.scalar_field]
            return {"anyOf": [scalar, {"type": "object", "allOf": [definition]}]}
        needed = ", ".join(f"{name}: …" for name in self.required)
        return {
            "type": ["object", "null"] if self.bare else "object",
            "errorMessage": f"the fields of {self.layer.kind} belong here: {{{needed or '…'}}}",
            "allOf": [definition],
        }

    def word(self) -> Schema:
        """The kind, written without fields."""
        return {"const": self.layer.kind, **self.texts}

    def complete(self) -> Schema:
        """What is to be demanded besides, where no `defaults:` give what it needs."""
        if not self.required and not self.bare:
            return {"minProperties": 1}  # a crop, of one field or the other
        layers: Schema = {"doNotSuggest": True, "allOf": [{"$ref": "#/$defs/complete-layers"}]}
        inner = dict.fromkeys(self.sequences, layers)
        if "branches" in inner:
            branch = {**layers, "properties": {"layers": layers}}
            inner["branches"] = {
                "doNotSuggest": True,
                "items": branch,
                "additionalProperties": branch,
            }
        # Apart from the properties, or an editor offers them twice.
        required: Schema = {"allOf": [{"required": [*self.required]}]} if self.required else {}
        return {**required, "properties": inner} if inner else required

    def snippet(self) -> Schema:
        """What an editor offers where a layer begins: the kind, with the fields that it needs."""
        kind = self.layer.kind
        places = {name: f"${place}" for place, name in enumerate(self.required, start=1)}
        body = f"{kind}: {{$1}}"
        if self.bare:
            body = kind
        elif self.layer.scalar_field is not None:
            body = f"{kind}: $1"
        elif self.sequences:  # in lines, indented as below the dash that begins a layer
            lines = [
                f"\n    {name}:\n      - {at}" if name in self.sequences else f"\n    {name}: {at}"
                for name, at in places.items()
            ]
            body = f"{kind}:{''.join(lines)}"
        elif places:
            listed = ", ".join(f"{name}: {at}" for name, at in places.items())
            body = f"{kind}: {{{listed}}}"
        return {
            "label": kind,
            "markdownDescription": self.texts["markdownDescription"],
            "body": body,
        }


@cache
def kind(name: str) -> KindSchema:
    """The kind of a name."""
    layer = layer_class(name)
    needed = {
        info.alias or field for field, info in layer.model_fields.items() if info.is_required()
    }
    written = fields(layer, also=_ALSO)
    return KindSchema(
        layer, written, tuple(field for field in written if field in needed), _bare(layer)
    )


def _bare(layer: type[Layer]) -> bool:
    try:
        layer.model_validate({})
    except ValidationError:
        return False
    return True
