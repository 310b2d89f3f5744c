"""The JSON Schema of the language: what editors complete, explain and check from.

Everything about layers and sections comes from their Pydantic models, so that a field that is
added there is known here. Written in what drafts 7 and 2020-12 share, for the YAML language
server, whose extra keywords (`markdownDescription`, `errorMessage`, `defaultSnippets`) a
validator ignores.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cnnkit.layers import KINDS
from cnnkit.layers.kinds import RESERVED
from cnnkit.spec.language.blocks import NAME
from cnnkit.spec.language.document import FORMAT
from cnnkit.spec.language.layer import BESIDE
from cnnkit.spec.model.search import SETTINGS, Choice, SearchSettings
from cnnkit.spec.model.section import TOTALS, Section
from cnnkit.spec.model.spec import SECTIONS, UNITS, Rules, Spec
from cnnkit.spec.schema import layer as schema_layer
from cnnkit.spec.schema import train as schema_train
from cnnkit.spec.schema.field import EXPRESSION, Schema, about, fields, sentence

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_EXAMPLE: Final = {"input": "32x32x3", "layers": ["flatten", {"dense": {"units": 10}}, "softmax"]}
_SHAPE: Final[list[Schema]] = [
    {"type": "string", "pattern": rf"^\s*[0-9]+(\s*[x×]\s*[0-9]+)*\s*$|{EXPRESSION}"},
    {"type": "integer", "exclusiveMinimum": 0},
]
_QUANTITY: Final[list[Schema]] = [
    {
        "type": "string",
        "pattern": rf"^\s*[0-9]+(\.[0-9]+)?\s*({'|'.join(UNITS)})\s*$|{EXPRESSION}",
    },
]
_EXTENT: Final = "([0-9]+|[A-WYZa-wyz])"  # a letter leaves an extent open
_INPUT: Final[list[Schema]] = [
    {
        "type": "string",
        "pattern": rf"^\s*{_EXTENT}(\s*[x×]\s*{_EXTENT})*\s*$|{EXPRESSION}",
    },
    *_SHAPE[1:],
]
_ALSO: Final = {"input": _INPUT, "output": _SHAPE, **dict.fromkeys(TOTALS, _QUANTITY)}


def schema(rules: Collection[str] = ()) -> Schema:
    """The schema of a spec.

    Args:
        rules: The names of all rules; without them any name will do.
    """
    return {
        "$schema": DIALECT,
        "title": "cnnkit spec",
        "description": "A convolutional network, written as a stack of layers.",
        "type": "object",
        "properties": _sections(rules),
        "additionalProperties": False,
        # What a spec extends may hold all that this one lacks.
        "if": {"required": ["extends"]},
        "else": {"$ref": "#/$defs/whole"},
        "examples": [_EXAMPLE],
        "$defs": {"whole": _whole(), **schema_layer.definitions()},
    }


def _whole() -> Schema:
    """A spec that extends no other has all sections, and its layers all fields they need."""
    layers = {"doNotSuggest": True, "allOf": [{"$ref": "#/$defs/complete-layers"}]}
    blocks = {"doNotSuggest": True, "additionalProperties": {"properties": {"layers": layers}}}
    return {
        "required": ["layers"],
        "allOf": [{"oneOf": [{"required": ["input"]}, {"required": ["inputs"]}]}],
        "if": {"properties": {"defaults": schema_layer.without_needed()}},
        "then": {"properties": {"layers": layers, "blocks": blocks}},
    }


def _sections(rules: Collection[str]) -> dict[str, Schema]:
    texts = {
        "cnnkit": "The version of the format.",
        "extends": "Another spec of this project, of which this one says what differs.",
        "variables": "Values for expressions, as in `$width`; `--set variables.width=64` sets one.",
        "defaults": "For each kind, values of the fields that its layers leave out.",
        "blocks": "Parts of the network that layers use by name.",
        **{name: sentence(info.description or "") for name, info in Spec.model_fields.items()},
    }
    written: dict[str, Schema] = {
        "cnnkit": {"const": FORMAT, "errorMessage": f"this version reads format {FORMAT}"},
        "extends": {"type": "string", "examples": ["base.yaml"]},
        "variables": _names("variable"),
        "defaults": {
            "type": "object",
            "properties": {kind: schema_layer.partial(kind) for kind in KINDS},
            "additionalProperties": False,
        },
        "blocks": _blocks(),
        "train": schema_train.train(),
        "search": _search(),
        **{name: _section(model, rules) for name, model in Spec.sections.items()},
        **fields(Spec, ("name", "about", "input", "rounding", "layers"), _ALSO),
    }
    written["input"]["examples"] = ["32x32x3", "28x28x1", "100x1"]
    written["inputs"] = _inputs(written["input"])
    return {name: {**about(name, texts[name]), **written[name]} for name in SECTIONS}


def _inputs(shape: Schema) -> Schema:
    """A shape for each name."""
    texts = ("title", "description", "markdownDescription", "examples")
    one = {key: part for key, part in shape.items() if key not in texts}
    return {
        "type": "object",
        "patternProperties": {f"^{NAME.pattern}$": {**about("input", "One input."), **one}},
        "additionalProperties": False,
        "minProperties": 1,
        "errorMessage": "each input has a name, a letter, then letters, digits, _ and -, and a "
        "shape: {image: 224x224x3, depth: 224x224x1}",
        "examples": [{"image": "224x224x3", "depth": "224x224x1"}],
    }


def _names(what: str) -> Schema:
    """A mapping of names that expressions read to their values."""
    return {
        "type": "object",
        "patternProperties": {"^(?!index$)[A-Za-z_][A-Za-z0-9_]*$": {"$ref": f"#/$defs/{what}"}},
        "additionalProperties": False,
        "errorMessage": f"the name of each {what} is a letter, then letters, digits and _; "
        "`$index` is the number of a repeat's copy",
    }


def _blocks() -> Schema:
    arguments = "What the block takes, each with its default, or `required`."
    block = {
        **about("block", "Layers that are used by name, and the arguments they take."),
        "type": "object",
        "properties": {
            "arguments": {**about("arguments", arguments), **_names("argument")},
            **fields(Spec, ("layers",)),
        },
        "additionalProperties": False,
        "allOf": [{"required": ["layers"]}],  # apart, or it is offered twice
    }
    taken = "|".join([*BESIDE, *sorted(RESERVED)])
    return {
        "type": "object",
        "patternProperties": {f"^(?!(?:{taken})$){NAME.pattern}$": block},
        "additionalProperties": False,
        "errorMessage": "a block's name is a letter, then letters, digits, _ and -, and no kind",
    }


def _section(model: type[Section], rules: Collection[str]) -> Schema:
    properties = fields(model, also=_ALSO)
    for name in properties.keys() & {"findings", *Rules.model_fields} if rules else ():
        (listed,) = (each for each in properties[name]["anyOf"] if each.get("type") == "array")
        listed["items"] = {"enum": sorted(rules), "errorMessage": "there is no rule of this name"}
    if "output" in properties:  # each of several outputs takes what the one does
        choices = properties["output"]["anyOf"]
        (named,) = (each for each in choices if each["type"] == "object")
        named["additionalProperties"] = {"anyOf": [each for each in choices if each is not named]}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _search() -> Schema:
    """Paths, which only the spec itself knows, and the settings."""
    space = fields(Choice)
    conditional = {"title": "a space", "type": "object", "properties": space}
    settings = {
        "type": "object",
        "properties": fields(SearchSettings),
        "additionalProperties": False,
    }
    message = "a choice takes a list of values, or a space: {uniform: [0, 0.5]}"
    values = {"title": "values", "type": "array", "minItems": 1, "errorMessage": message}
    return {
        "type": "object",
        "properties": {
            SETTINGS: {**about(SETTINGS, "How the search goes about it."), **settings},
        },
        "additionalProperties": {
            "anyOf": [values, {**conditional, "additionalProperties": False}],
        },
    }
