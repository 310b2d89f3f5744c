"""The JSON Schema of `train:`, all of it from the models of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from cnnkit.spec.model.section import Section
from cnnkit.spec.model.training.augmentation import AUGMENTATIONS
from cnnkit.spec.model.training.data import FILES, KNOWN
from cnnkit.spec.model.training.loss import LOSSES
from cnnkit.spec.model.training.optimizer import OPTIMIZERS, Lookahead
from cnnkit.spec.model.training.parallel import Parallelism
from cnnkit.spec.model.training.part import Part, Variant, stands_beside
from cnnkit.spec.model.training.schedule import FIND, SCHEDULES
from cnnkit.spec.model.training.split import SplitSettings
from cnnkit.spec.model.training.train import BoundaryWeights, Checkpointing, EarlyStopping, Train
from cnnkit.spec.model.training.transfer import Freeze, Unfreeze
from cnnkit.spec.model.training.whitening import Whitening
from cnnkit.spec.schema.field import (
    EXPRESSION,
    Schema,
    about,
    explained,
    fields,
    misnamed,
    sentence,
)

_DURATION: Final[list[Schema]] = [
    {
        "type": "string",
        "pattern": rf"^\s*(?=.*\d)([0-9]+h)?\s*([0-9]+m(in)?)?\s*([0-9]+s)?\s*$|{EXPRESSION}",
    }
]
_ALSO: Final = {"time_limit": _DURATION, "interval": _DURATION}
_SECTIONS: Final[dict[str, type[Section]]] = {
    "split": SplitSettings,
    "unfreeze": Unfreeze,
    "boundary_weights": BoundaryWeights,
    "lookahead": Lookahead,
    "parallel": Parallelism,
    "early_stopping": EarlyStopping,
    "checkpoint": Checkpointing,
}


def train() -> Schema:
    """The schema of the section."""
    texts = {name: sentence(info.description or "") for name, info in Train.model_fields.items()}
    written: dict[str, Schema] = {
        "data": _data(),
        "freeze": _freeze(),
        "whiten": _whiten(),
        "loss": _loss(),
        "class_weights": _class_weights(),
        "optimizer": _choice(OPTIMIZERS),
        "learning_rate": _learning_rate(),
        "augment": _augment(),
        **{name: _section(model) for name, model in _SECTIONS.items()},
    }
    simple = [name for name in Train.model_fields if name not in written]
    written = {name: {**about(name, texts[name]), **schema} for name, schema in written.items()}
    written |= fields(Train, simple, _ALSO)
    return {
        "type": "object",
        "properties": {name: written[name] for name in Train.model_fields},
        "additionalProperties": False,
    }


def _section(model: type[Section]) -> Schema:
    return {
        "type": "object",
        "properties": fields(model, also=_ALSO),
        "additionalProperties": False,
    }


def _choice(choice: Variant) -> Schema:
    """A name, or a name with its fields."""
    message = f"write one by its name: {choice.example}"
    return {
        "anyOf": [
            {
                "title": choice.what,
                "type": ["object", "string", "null"],
                "errorMessage": message,
                "pattern": EXPRESSION,
                "properties": {name: _part(kind) for name, kind in choice.kinds.items()},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
            *[
                {"const": name, **explained(kind, name, fields(kind), _needed(kind))}
                for name, kind in choice.kinds.items()
                if _bare(kind)
            ],
        ]
    }


def _part(kind: type[Part]) -> Schema:
    """What stands behind the name of a part."""
    written, needed = fields(kind), _needed(kind)
    texts = explained(kind, kind.kind, written, needed)
    inner: Schema = {
        "type": ["object", "null"] if _bare(kind) else "object",
        "properties": written,
        "patternProperties": {
            **misnamed(kind.field_aliases),
            **{
                f"^{name}$": {"type": ["null"], "errorMessage": stands_beside(field)}
                for name, field in kind.beside.items()
            },
        },
        "additionalProperties": False,
        **({"allOf": [{"required": [*needed]}]} if needed else {}),
    }
    if kind.scalar_field is None:
        return {**texts, **inner}
    return {**texts, "anyOf": [written[kind.scalar_field], inner]}


def _needed(kind: type[Part]) -> tuple[str, ...]:
    return tuple(name for name, info in kind.model_fields.items() if info.is_required())


def _bare(kind: type[Part]) -> bool:
    try:
        kind.model_validate({})
    except ValidationError:
        return False
    return True


def _learning_rate() -> Schema:
    schema = _choice(SCHEDULES)
    first, *words = schema["anyOf"]
    first["type"] = ["object", "number", "string", "null"]
    first["exclusiveMinimum"] = 0
    # A schedule, and beside it the layers that are trained with a multiple of it.
    first["properties"]["layers"] = {
        **about("layers", "Multiples of the rate by the paths of layers: `{layers.head: 10x}`."),
        "type": "object",
        "additionalProperties": {
            "type": "string",
            "pattern": rf"^\s*[0-9.]+(e[+-]?[0-9]+)?\s*[x×]\s*$|{EXPRESSION}",
            "errorMessage": "it takes a multiple of the rate, such as `10x` or `0.1x`",
        },
        "errorMessage": "`layers` takes multiples by the paths of layers: `{layers.head: 10x}`",
    }
    del first["minProperties"], first["maxProperties"]
    first["if"] = {"type": "object", "required": ["layers"]}
    first["then"] = {"minProperties": 2, "maxProperties": 2}
    first["else"] = {"minProperties": 1, "maxProperties": 1}
    return {"anyOf": [first, {"const": FIND, "title": FIND}, *words]}


def _freeze() -> Schema:
    """A list of layers, or a mapping with more to say of them."""
    written = fields(Freeze)
    layers = {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "minItems": 1,
        "errorMessage": "`freeze` takes a list of the paths of layers",
    }
    return {
        "anyOf": [
            layers,
            {
                "title": "freeze",
                "type": ["object", "null"],
                "properties": {**written, "layers": {**layers, **about("layers", "The layers.")}},
                "additionalProperties": False,
                "required": ["layers"],
            },
        ]
    }


def _whiten() -> Schema:
    """The path of a layer, or a mapping with more to say."""
    written = _section(Whitening)
    return {
        "anyOf": [
            {"type": ["string", "null"], "minLength": 1},
            {**written, "title": "whiten", "required": ["layer"]},
        ]
    }


def _augment() -> Schema:
    first, *words = _choice(AUGMENTATIONS)["anyOf"]
    # Where a list goes on an editor offers the keys, and would offer the bare words once more.
    bare = "|".join(word["const"] for word in words)
    named = {**first, "pattern": rf"^(?:{bare})$|{EXPRESSION}"}
    return {
        "type": "array",
        "items": named,
        "errorMessage": "`augment` takes a list: `[{flip: horizontal}, {shift: 4}]`",
    }


def _loss() -> Schema:
    """A loss, a list of losses, each with its factor, or one of these for each output."""
    first, *words = _choice(LOSSES)["anyOf"]
    total = _sum_of(first, [word["const"] for word in words])
    named: Schema = {
        "title": "loss: by output",
        "description": "A loss for each output, by its name.",
        "type": "object",
        "minProperties": 2,
        "additionalProperties": {"anyOf": [first, total, *words]},
        "errorMessage": f"write a loss for each output by its name, or one: {LOSSES.example}",
    }
    return {"anyOf": [first, total, named, *words]}


def _sum_of(one: Schema, words: Sequence[str]) -> Schema:
    """A list of losses, each with its factor.

    Args:
        one: A loss with its fields.
        words: Those that stand by their names alone.
    """
    weight: Schema = {
        **about("weight", "The factor that it has in the sum."),
        "type": ["number", "string"],
        "exclusiveMinimum": 0,
        "pattern": EXPRESSION,
    }
    named = {}
    for name, kind in LOSSES.kinds.items():
        inner = _part(kind)
        with_weight = {**inner, "properties": {**inner["properties"], "weight": weight}}
        named[name] = {**with_weight, "type": ["object", "number", "null"], "exclusiveMinimum": 0}
    item = {**one, "properties": named, "pattern": rf"^(?:{'|'.join(words)})$|{EXPRESSION}"}
    return {
        "title": "sum",
        "type": "array",
        "minItems": 1,
        "items": item,
        "errorMessage": "a sum is a list of losses: `[{dice: 1}, {categorical_cross_entropy: 1}]`",
    }


def _class_weights() -> Schema:
    weight = {"type": ["number", "string"], "exclusiveMinimum": 0, "pattern": EXPRESSION}
    return {
        "anyOf": [
            {
                "type": ["array", "object", "null"],
                "items": weight,
                "minItems": 1,
                "additionalProperties": weight,
                "errorMessage": "`class_weights` takes `balanced`, a list, or a mapping of names",
            },
            {"const": "balanced", "title": "balanced"},
        ]
    }


def _data() -> Schema:
    properties: dict[str, Schema] = {}
    for files in FILES.values():
        properties |= fields(files)
    return {
        "anyOf": [
            {
                "title": "files",
                "type": ["object", "string"],
                "pattern": EXPRESSION,
                "errorMessage": f"a data set is {', '.join(KNOWN)}, or files: {{images: FOLDER}}",
                "properties": properties,
                "additionalProperties": False,
                "allOf": [
                    {"anyOf": [{"required": [key]} for key in FILES]},
                    *[
                        {
                            "if": {"type": "object", "required": [key]},
                            "then": {"propertyNames": {"enum": [*files.model_fields]}},
                        }
                        for key, files in FILES.items()
                    ],
                ],
            },
            {"title": "by name", "enum": [*KNOWN, None]},
        ]
    }
