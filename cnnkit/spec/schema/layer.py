"""The JSON Schema of what may stand where a layer does.

Two things a schema cannot know, and leaves to `cnnkit check`: whether a word that is no kind, nor
one misspelt, is a block of this spec; and whether a spec that `extends:` names gives `defaults:`
of fields that a layer lacks.
"""

from __future__ import annotations

from typing import Final

from cnnkit.layers import FAMILIES, KINDS
from cnnkit.layers.kinds import DEPRECATED
from cnnkit.spec.language.blocks import NAME
from cnnkit.spec.language.layer import BESIDE
from cnnkit.spec.schema.field import EXPRESSION, LAYERS, Schema, about, sentence
from cnnkit.spec.schema.kind import kind
from cnnkit.spec.schema.misspelling import slips

_A_LAYER: Final = (
    "a layer is a kind, `- flatten`, or one key with its fields, "
    "`- conv: {filters: 8, kernel: 3}`; beside it only `name` and `when`"
)
_AN_ACTIVATION: Final = (
    "an activation is a kind, `relu`, or one with fields, `{leaky_relu: {slope: 0.2}}`"
)
_BESIDE: Final[dict[str, Schema]] = {
    "name": {
        **about("name", "Names the layer: its part of paths, instead of its number."),
        "type": "string",
        "pattern": rf"^{NAME.pattern}$|{EXPRESSION}",
        "errorMessage": "a name is a letter, then letters, digits, _ and -",
    },
    "when": {
        **about("when", "Leaves the layer out where it is false: `$project`, `$(stride > 1)`."),
        "type": ["string", "boolean"],
        "pattern": EXPRESSION,
        "errorMessage": "`when` is true, false or an expression: `$(stride > 1)`",
    },
}


_TIMES: Final[Schema] = {
    **about("times", "How many of the branch there are; `$index` is the number of each."),
    "type": ["integer", "string"],
    "pattern": EXPRESSION,
    "minimum": 0,
    "errorMessage": "`times` is a whole number or an expression",
}


def definitions() -> dict[str, Schema]:
    """The `$defs` of layers: one for each kind, and those of what is made of kinds."""
    return {
        "layer": _layer(),
        "branch": _branch(),
        "activation": _activation(),
        "word": _word(),
        "block": _block_use(),
        "variable": {
            "type": ["string", "number", "boolean", "array", "null"],
            "errorMessage": "a number, a string, true or false, or a list of those",
        },
        "argument": {  # as a variable, or layers
            "type": ["string", "number", "boolean", "array", "null", "object"],
            "errorMessage": "a number, a string, true or false, a list of those, or layers",
            "if": {"type": "object"},
            "then": {"$ref": "#/$defs/layer"},
        },
        "complete-layers": {"items": {"$ref": "#/$defs/complete-layer"}},
        "complete-layer": _complete(),
        **{name: kind(name).definition() for name in KINDS},
    }


def partial(name: str) -> Schema:
    """Fields of a kind as they stand below `defaults:`."""
    return {**kind(name).texts, "type": "object", "allOf": [{"$ref": f"#/$defs/{name}"}]}


def without_needed() -> Schema:
    """`defaults:` that give none of the fields that a kind cannot be without."""
    properties: dict[str, Schema] = {}
    for name in KINDS:
        if needed := kind(name).required:
            properties[name] = {"not": {"anyOf": [{"required": [field]} for field in needed]}}
        elif not kind(name).bare:
            properties[name] = {"maxProperties": 0}  # one field or the other would do
    return {"properties": properties}


def _layer() -> Schema:
    return {
        **about("layer", sentence(_A_LAYER)),
        "type": ["object", "string"],
        "errorMessage": _A_LAYER,
        # Not `anyOf`, for whose parts an editor offers "array items" that say nothing.
        "if": {"title": "kind", "type": "string"},
        "then": _bare(),
        "else": _one_kind(),
        "properties": {
            **_BESIDE,
            # Not suggested: the snippets are, with the fields that a kind needs.
            **{
                name: {**kind(name).use(), **kind(name).deprecation, "doNotSuggest": True}
                for name in KINDS
            },
        },
        "patternProperties": {
            f"^(?!(?:{'|'.join([*BESIDE, *KINDS])})$){NAME.pattern}$": {"$ref": "#/$defs/block"}
        },
        "additionalProperties": False,
        "propertyNames": {"doNotSuggest": True, "allOf": [{"$ref": "#/$defs/word"}]},
        "defaultSnippets": [kind(name).snippet() for name in KINDS if name not in DEPRECATED],
    }


def _bare() -> Schema:
    """A layer without fields: a kind that needs none, or another word."""
    names = [name for name in KINDS if kind(name).bare]
    other = {"pattern": f"^(?!(?:{'|'.join(names)})$)"}
    return {
        "anyOf": [
            # First, because of the alternatives that do not match an editor shows the first.
            {"allOf": [other, {"$ref": "#/$defs/word"}]},
            *[kind(name).word() for name in names],
        ]
    }


def _one_kind() -> Schema:
    """One key for the kind, whatever of `name` and `when` stands beside it."""
    exactly: list[Schema] = [{"minProperties": n, "maxProperties": n} for n in (1, 2, 3)]
    either = {"anyOf": [{"required": [key]} for key in BESIDE]}
    return {
        "if": {"required": [*BESIDE]},
        "then": exactly[2],
        "else": {"if": either, "then": exactly[1], "else": exactly[0]},
    }


def _branch() -> Schema:
    message = "a branch is a list of layers, or `{when: …, times: …, layers: […]}`"
    conditional = {
        "type": ["object"],  # as a list, or an editor adds it to the message of the other
        "properties": {"when": _BESIDE["when"], "times": _TIMES, "layers": LAYERS},
        "additionalProperties": False,
        "allOf": [
            {"required": ["layers"]},
            {"anyOf": [{"required": ["when"]}, {"required": ["times"]}]},
        ],
    }
    given = {"type": ["string"], "pattern": EXPRESSION, "errorMessage": message}
    return {"anyOf": [{**LAYERS, "errorMessage": message}, conditional, given]}


def _activation() -> Schema:
    names = FAMILIES["activation"]
    words = [name for name in names if kind(name).bare]
    return {
        **about("activation", sentence(_AN_ACTIVATION)),
        "anyOf": [
            {
                "type": ["string", "object"],
                "errorMessage": _AN_ACTIVATION,
                "pattern": EXPRESSION,
                "properties": {name: {**kind(name).texts, **kind(name).use()} for name in names},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
            *[kind(name).word() for name in words],
        ],
    }


def _word() -> Schema:
    """A kind, or the name of a block; but no kind misspelt."""
    name = {
        "pattern": f"^{NAME.pattern}$|{EXPRESSION}",
        "errorMessage": "a kind or a block: a letter, then letters, digits, _ and -",
    }
    misspelt = [
        {
            "pattern": f"^(?!{slips(name, KINDS)}$)",
            "errorMessage": f"did you mean the kind `{name}`?",
        }
        for name in KINDS
    ]
    return {"allOf": [name, *misspelt]}


def _block_use() -> Schema:
    return {
        **about("block", "A block of `blocks:`, with its arguments."),
        "type": ["object", "null"],
        "errorMessage": "a block takes its arguments: `{width: 64}`",
        "patternProperties": {"^[A-Za-z_][A-Za-z0-9_]*$": {"$ref": "#/$defs/argument"}},
        "additionalProperties": False,
    }


def _complete() -> Schema:
    """A layer that has all fields it needs."""
    needy = [name for name in KINDS if not kind(name).bare]
    return {
        "pattern": f"^(?!(?:{'|'.join(needy)})$)",
        "errorMessage": "this kind needs fields: `- conv: {filters: 8, kernel: 3}`",
        "properties": {name: {"doNotSuggest": True, **kind(name).complete()} for name in KINDS},
    }
