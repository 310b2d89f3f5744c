"""The JSON Schema of one field of a model: Pydantic's own, with expressions and texts put in.

Written for editors as much as for validators. The YAML language server shows one message for each
fault, that of the first alternative, and it completes from what it finds in alternatives. So
these are kept few: the words that are allowed, one of all scalars, one of lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import get_annotations
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cnnkit.layers.base import Layer
from cnnkit.spec.language.faults import expected, field_names

Schema: TypeAlias = dict[str, Any]

EXPRESSION: Final = r"\$"
"""A string with a `$` holds an expression, whose value is not known here."""

LAYERS: Final[Schema] = {"type": "array", "items": {"$ref": "#/$defs/layer"}}

_NO_LIST: Final[Schema] = {"not": {"type": ["array", "object"]}}
_SCALARS: Final = ("integer", "number", "boolean", "null", "string")


def fields(
    model: type[BaseModel],
    only: Iterable[str] | None = None,
    also: Mapping[str, list[Schema]] | None = None,
) -> dict[str, Schema]:
    """The schema of each field of a model, the model's own fields before those it inherits.

    Args:
        model: The model.
        only: The fields that are wanted; all where left out.
        also: What a text may say as well, where the model holds what became of it.
    """
    generated = model.model_json_schema(by_alias=True)["properties"]
    infos = {info.alias or name: info for name, info in model.model_fields.items()}
    inherited = {
        info.alias or name
        for name, info in model.model_fields.items()
        if name not in get_annotations(model)
    }
    names = field_names(model) if only is None else only
    found = {}
    for name in sorted(names, key=inherited.__contains__):
        choices = [*_choices(generated[name]), *(also or {}).get(name, ())]
        found[name] = _field(name, choices, infos[name], expected(model, name))
    return found


def about(title: str, text: str, default: object = None) -> Schema:
    """What an editor shows of a value."""
    shown = str(default).lower() if isinstance(default, bool) else default
    return {
        "title": title,
        "description": text,
        # The server escapes the marks of a plain description.
        "markdownDescription": text if default is None else f"{text}\n\nDefault: `{shown}`",
        **({} if default is None else {"default": default}),
    }


def explained(
    model: type[BaseModel], title: str, names: Iterable[str], needed: Iterable[str]
) -> Schema:
    """What an editor shows of a model: its docstring, and its fields, those needed in bold."""
    paragraphs = [" ".join(part.split()) for part in (model.__doc__ or "").split("\n\n")]
    own = [part.replace("``", "`") for part in paragraphs if part and part[:11] != "Attributes:"]
    needed = set(needed)
    listed = [f"**`{name}`**" if name in needed else f"`{name}`" for name in names]
    more = [f"Fields: {', '.join(listed)}"] if listed else []
    return {
        "title": title,
        "description": "\n".join(own),
        "markdownDescription": "\n\n".join([*own, *more]),
    }


def misnamed(aliases: Mapping[str, str]) -> dict[str, Schema]:
    """Other names of fields: refused with a word of advice, but while there is no value yet."""
    by_field: dict[str, list[str]] = {}
    for alias, field in aliases.items():
        by_field.setdefault(field, []).append(alias)
    return {
        f"^(?:{'|'.join(others)})$": {"type": ["null"], "errorMessage": f"here it is `{field}`"}
        for field, others in by_field.items()
    }


def sentence(text: str) -> str:
    """A text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def _field(name: str, choices: list[Schema], info: FieldInfo, takes: str) -> Schema:
    default = None if info.is_required() else info.get_default()
    if isinstance(default, Layer):
        default = default.kind
    if isinstance(default, tuple):
        default = list(default)  # as JSON has it
    text = f"{sentence(info.description or name)} Takes {takes}."
    return {
        **about(name, text, None if default == [] else default),
        **_value(choices, f"`{name}` takes {takes}", name),
    }


def _choices(schema: Schema) -> list[Schema]:
    """What a schema of Pydantic's offers, one by one and without texts."""
    if "anyOf" in schema:
        return [each for choice in schema["anyOf"] for each in _choices(choice)]
    if "const" in schema:
        return [{"enum": [schema["const"]]}]
    if "$ref" in schema:
        return [{"$ref": "#/$defs/activation"}]  # the one layer that a field may hold
    if "$ref" in schema.get("items", {}):
        return [LAYERS, {"type": "string", "pattern": EXPRESSION}]  # `$body`, an argument
    if schema.get("type") == "object" and _refers(schema):  # branches by name
        branch = {"$ref": "#/$defs/branch"}
        return [
            {"type": "array", "items": branch},
            {
                "type": ["object"],
                "if": {"required": ["times", "layers"], "properties": {"times": _NO_LIST}},
                "then": branch,  # `{times: 4, layers: […]}`, of which all are alike
                "else": {"additionalProperties": branch},
            },
        ]
    texts = ("title", "description", "default")
    return [{key: part for key, part in schema.items() if key not in texts}]


def _value(choices: list[Schema], message: str, name: str) -> Schema:
    """The schema of a value: any of the choices; where none is made of layers, an expression.

    ``message`` is what an editor says of a value that is none of them. Their titles differ,
    because one that finds them equal shows the texts of all for those of the one that is meant.
    """
    of_layers = [choice for choice in choices if _refers(choice)]
    words = [word for choice in choices for word in choice.get("enum", ())]
    scalars = [each for each in choices if "enum" not in each and each.get("type") in _SCALARS]
    merged = [each if "$ref" in each else {**each, "errorMessage": message} for each in of_layers]
    if words:
        merged.append({"title": f"{name}: a word", "enum": words, "errorMessage": message})
    if scalars or not of_layers:
        scalar = _scalar(scalars, expression=not of_layers)
        merged.append({"title": name, **scalar, "errorMessage": message})
    for each in choices:
        if each.get("type") == "array" and each not in of_layers:
            listed = _list(each, message, name)
            merged.append({"title": f"{name}: a list", **listed, "errorMessage": message})
        elif each.get("type") == "object" and each not in of_layers:
            inner = _value(_choices(each["additionalProperties"]), message, name)
            bounds = {key: each[key] for key in ("minProperties",) if key in each}
            named = {"type": "object", "additionalProperties": inner, **bounds}
            merged.append({"title": f"{name}: by name", **named, "errorMessage": message})
    return merged[0] if len(merged) == 1 else {"anyOf": merged}


def _refers(schema: object) -> bool:
    if not isinstance(schema, dict):
        return False
    return "$ref" in schema or any(map(_refers, schema.values()))


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
    items = _choices(pair[0] if pair else choice["items"])
    bounds: Schema = {key: choice[key] for key in ("minItems", "maxItems") if key in choice}
    return {
        "type": "array",
        "items": _value(items, message, name) if items != [{}] else {},
        **bounds,
    }
