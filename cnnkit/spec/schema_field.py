"""The JSON Schema of one field of a model: Pydantic's own, with expressions and texts put in.

Written for editors as much as for validators. The YAML language server shows one message for each
fault, and it completes from what it finds beside `anyOf`, so that alternatives are kept few: the
words that are allowed, one of all scalars, one of lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import get_annotations
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cnnkit.layers.base import Layer
from cnnkit.spec.faults import expected, field_names

Schema: TypeAlias = dict[str, Any]

EXPRESSION: Final = r"\$"
"""A string with a `$` holds an expression, whose value is not known here."""


def fields(model: type[BaseModel], only: Iterable[str] | None = None) -> dict[str, Schema]:
    """The schema of each field of a model, the model's own fields before those it inherits."""
    generated = model.model_json_schema(by_alias=True)["properties"]
    infos = {info.alias or name: info for name, info in model.model_fields.items()}
    inherited = {
        info.alias or name
        for name, info in model.model_fields.items()
        if name not in get_annotations(model)
    }
    names = field_names(model) if only is None else only
    return {
        name: field(name, generated[name], infos[name], expected(model, name))
        for name in sorted(names, key=inherited.__contains__)
    }


def field(name: str, generated: Schema, info: FieldInfo, takes: str) -> Schema:
    """The schema of a field, from what Pydantic makes of it and the words of its ``Expects``."""
    schema = value(alternatives(generated), f"`{name}` takes {takes}", name)
    default = _default(info)
    texts: Schema = {"title": name}
    texts["description"] = f"{sentence(info.description or name)} Takes {takes}."
    if default is not None:
        texts["default"] = default
        texts["markdownDescription"] = f"{texts['description']}\n\nDefault: `{_written(default)}`"
    return {**texts, **schema}


def value(choices: list[Schema], message: str, name: str) -> Schema:
    """The schema of a value: any of the choices, or an expression.

    ``message`` is what an editor says of a value that is none of them. Their titles differ,
    because one that finds them equal shows the texts of all for those of the one that is meant.
    """
    words = [word for choice in choices for word in choice.get("enum", ())]
    scalars = [each for each in choices if _is_scalar(each) and "enum" not in each]
    of_layers = [each for each in choices if "$ref" in each or "$ref" in each.get("items", {})]
    merged = [*of_layers]
    if words:
        merged.append({"title": f"{name}: a word", "enum": words, "errorMessage": message})
    if scalars or not of_layers:
        scalar = _scalar(scalars, expression=not of_layers)
        merged.append({"title": name, **scalar, "errorMessage": message})
    merged += [
        {"title": f"{name}: a list", **_list(each, message, name)}
        for each in choices
        if each.get("type") == "array" and each not in of_layers
    ]
    return merged[0] if len(merged) == 1 else {"anyOf": merged}


def alternatives(schema: Schema) -> list[Schema]:
    """What a schema of Pydantic's offers, one by one and without texts."""
    if "anyOf" in schema:
        return [each for choice in schema["anyOf"] for each in alternatives(choice)]
    if "const" in schema:
        return [{"type": "string", "enum": [schema["const"]]}]
    if "$ref" in schema:
        return [{"$ref": "#/$defs/activation"}]  # the one layer that a field may hold
    if "$ref" in schema.get("items", {}):
        return [{"type": "array", "items": {"$ref": "#/$defs/layer"}}]
    return [
        {
            key: part
            for key, part in schema.items()
            if key not in ("title", "description", "default")
        }
    ]


def sentence(text: str) -> str:
    """A text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def _is_scalar(choice: Schema) -> bool:
    return choice.get("type") in ("integer", "number", "boolean", "null", "string")


def _scalar(choices: list[Schema], *, expression: bool) -> Schema:
    """One schema of all scalars: a keyword for numbers leaves strings alone, and so on."""
    merged: Schema = {"type": [choice["type"] for choice in choices]}
    for choice in choices:
        merged.update({key: part for key, part in choice.items() if key != "type"})
    if expression and "string" not in merged["type"]:
        merged["type"].insert(0, "string")
        merged["pattern"] = EXPRESSION
    return merged


def _list(choice: Schema, message: str, name: str) -> Schema:
    pair = choice.get("prefixItems")  # of equal items, so that draft 7 can say it as well
    items = alternatives(pair[0] if pair else choice["items"])
    bounds: Schema = {key: choice[key] for key in ("minItems", "maxItems") if key in choice}
    nested = value(items, message, name) if items != [{}] else {}
    return {"type": "array", "items": nested, **bounds, "errorMessage": message}


def _default(info: FieldInfo) -> object:
    default = None if info.is_required() else info.get_default()
    if isinstance(default, Layer):
        return default.kind
    return None if default == () or isinstance(default, BaseModel) else default


def _written(default: object) -> object:
    return str(default).lower() if isinstance(default, bool) else default
