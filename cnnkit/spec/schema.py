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
from cnnkit.spec import schema_layer
from cnnkit.spec.blocks import NAME
from cnnkit.spec.document import FORMAT
from cnnkit.spec.layer_reader import BESIDE
from cnnkit.spec.model import SECTIONS, TOTALS, UNITS, Budget, Expect, Rules, Section, Spec
from cnnkit.spec.schema_field import EXPRESSION, Schema, fields

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_EXAMPLE: Final = {"input": "32x32x3", "layers": ["flatten", {"dense": {"units": 10}}, "softmax"]}
_IDENTIFIER: Final = "^(?!index$)[A-Za-z_][A-Za-z0-9_]*$"
_SHAPE: Final = rf"^\s*[0-9]+(?:\s*[x×]\s*[0-9]+)*\s*$|{EXPRESSION}"
_EXTENT: Final[Schema] = {
    "type": ["string", "integer"],
    "exclusiveMinimum": 0,
    "pattern": EXPRESSION,
}
_LAYERS: Final[Schema] = {"type": "array", "items": {"$ref": "#/$defs/layer"}}


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
        "required": ["input", "layers"],
        "if": {"properties": {"defaults": schema_layer.without_needed()}},
        "then": {"properties": {"layers": layers, "blocks": blocks}},
    }


def _sections(rules: Collection[str]) -> dict[str, Schema]:
    about = {name: info.description for name, info in Spec.model_fields.items()}
    written: dict[str, Schema] = {
        "cnnkit": {"description": "the version of the format", "const": FORMAT},
        "extends": {
            "description": "another spec in this folder, of which this one says what differs",
            "type": "string",
            "examples": ["base.yaml"],
        },
        "variables": {
            "description": "values for expressions, `$width`; set by --set variables.width=64",
            "type": "object",
            "patternProperties": {_IDENTIFIER: {"$ref": "#/$defs/argument"}},
            "additionalProperties": False,
        },
        "defaults": {
            "description": "for each kind, values of the fields that its layers leave out",
            "type": "object",
            "properties": {kind: schema_layer.partial(kind) for kind in KINDS},
            "additionalProperties": False,
        },
        "blocks": _blocks(),
        "layers": {"description": about["layers"], **_LAYERS},
        "expect": {"description": about["expect"], **_section(Expect, rules)},
        "budget": {"description": about["budget"], **_section(Budget, rules)},
        "rules": {"description": about["rules"], **_section(Rules, rules)},
        "train": {"description": about["train"], **_TRAIN},
        "search": {"description": about["search"], "type": "object"},
        **fields(Spec, ("name", "input", "rounding")),
    }
    written["input"] = _shape(written["input"])
    return {name: {"title": name, **written[name]} for name in SECTIONS}


def _blocks() -> Schema:
    """Blocks by name; a kind's name is none."""
    block = {
        "title": "block",
        "description": "layers that are used by name, and the arguments they take",
        "type": "object",
        "properties": {
            "arguments": {
                "title": "arguments",
                "description": "each with its default, or `required`",
                "type": "object",
                "patternProperties": {_IDENTIFIER: {"$ref": "#/$defs/argument"}},
                "additionalProperties": False,
            },
            "layers": {"title": "layers", "description": "the layers of the block", **_LAYERS},
        },
        "required": ["layers"],
        "additionalProperties": False,
    }
    taken = "|".join([*KINDS, *BESIDE])
    return {
        "description": "parts of the network that layers use by name",
        "type": "object",
        "patternProperties": {f"^(?!(?:{taken})$){NAME.pattern}$": block},
        "additionalProperties": False,
        "errorMessage": "a block's name is a letter, then letters, digits, _ and -, and no kind",
    }


def _section(model: type[Section], rules: Collection[str]) -> Schema:
    properties = fields(model)
    for name, written in properties.items():
        if name in TOTALS:
            properties[name] = _quantity(written)
        elif name == "output":
            properties[name] = _shape(written)
        elif rules:
            names = {"enum": sorted(rules), "errorMessage": "there is no rule of this name"}
            texts = {key: text for key, text in written.items() if key != "anyOf"}
            properties[name] = {**texts, "type": "array", "items": names}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _shape(written: Schema) -> Schema:
    """A field that holds a shape, as a list or in the form `32x32x3`."""
    texts = _texts(written)
    message = {"errorMessage": f"a shape is wanted, such as 32x32x3: {written['description']}"}
    scalar = {"title": texts["title"], **_EXTENT, "pattern": _SHAPE}
    listed = {"title": f"{texts['title']}: a list", "type": "array", "items": _EXTENT}
    return {**texts, "anyOf": [{**scalar, **message}, {**listed, **message}]}


def _quantity(written: Schema) -> Schema:
    """A field that holds a count, maybe with a unit: `10k`, `1.5 MiB`."""
    units = "|".join(UNITS)
    return {
        **_texts(written),
        "type": ["string", "integer"],
        "minimum": 0,
        "pattern": rf"^\s*[0-9]+(?:\.[0-9]+)?\s*(?:{units})\s*$|{EXPRESSION}",
        "errorMessage": written["description"],
    }


def _texts(written: Schema) -> Schema:
    kept = ("title", "description", "markdownDescription", "default")
    return {key: part for key, part in written.items() if key in kept}


_TRAIN: Final[Schema] = {
    "type": "object",
    "properties": {
        name: {"title": name, "description": text, "examples": examples}
        for name, text, examples in (
            (
                "data",
                "the data set; digits is built in, the others are read from --data-dir",
                ["digits", "mnist", "fashion_mnist", "cifar10", {"images": "photos/"}],
            ),
            (
                "split",
                "the parts to hold back, where the data set has no split of its own",
                [{"validation": 0.15, "test": 0.15, "stratify": True}],
            ),
            (
                "loss",
                "what training lowers",
                [
                    "categorical_cross_entropy",
                    "binary_cross_entropy",
                    "mean_squared_error",
                    "focal",
                ],
            ),
            ("label_smoothing", "how much of each label is spread over the other classes", [0.1]),
            ("class_weights", "the weight of each class in the loss", [[1, 5]]),
            (
                "optimizer",
                "how the weights follow the gradient",
                [{"sgd": {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}}, "adam"],
            ),
            (
                "learning_rate",
                "a number, or a schedule over the epochs",
                [0.1, {"cosine": {"peak": 0.1, "warmup": 2}}],
            ),
            ("epochs", "how often all training examples are seen", [20]),
            ("batch_size", "examples for each step", [128]),
            ("augment", "changes of the training images", [[{"flip": "horizontal"}, {"shift": 4}]]),
            ("precision", "what is computed in; weights are float32", ["float32", "bfloat16"]),
            ("early_stopping", "ends where validation no longer improves", [{"patience": 5}]),
            ("seed", "what all random numbers come from", [0]),
        )
    },
}
"""`train:` as documented; its models, and with them what is wrong in it, come with training."""
