"""What Pydantic says of a user's values, in the user's words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ValidationError

from cnnkit.errors import did_you_mean
from cnnkit.layers import KINDS
from cnnkit.layers.base import Layer
from cnnkit.layers.field import Expects
from cnnkit.layers.learner import Learner
from cnnkit.spec.field_advice import field_advice
from cnnkit.spec.text.scalars import shortened

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MAX_SHOWN = 60
# These say that the type is right and the value is not.
_VALUE_ERRORS = frozenset(
    {
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "literal_error",
        "finite_number",
        "string_too_short",
        "too_short",
        "value_error",
    }
)


class Fault(NamedTuple):
    """A finding that does not know its place yet.

    ``field`` is where among the fields, ``on_key`` whether the key is at fault and not its
    value, and ``meant`` the field that was probably meant.
    """

    rule: str
    message: str
    help: str | None
    field: tuple[str | int, ...] = ()
    on_key: bool = False
    meant: str | None = None

    def below(self, path: tuple[str | int, ...]) -> Fault:
        """This fault, of what stands at a path."""
        return self._replace(field=(*path, *self.field))


class Faults(ValueError):  # noqa: N818 - what it carries, as `Faulty` is
    """Raised by a validator that knows more precisely than Pydantic what is wrong, and where."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


def shown(value: object) -> str:
    """A value as it is written in YAML, shortened where it is long."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": ".inf", "-inf": "-.inf"}.get(str(value), ".nan")
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


@cache
def field_names(model: type[BaseModel]) -> list[str]:
    """The fields of a model as a user writes them: first those that must be given, last `learnt`.

    The `name` of a layer is not among them: it stands beside the kind.
    """
    fields = [
        (info.alias or name, info.is_required())
        for name, info in model.model_fields.items()
        if not info.exclude and not (name == "name" and issubclass(model, Layer))
    ]
    last = Learner.model_fields if issubclass(model, Learner) else ()
    return [name for name, _ in sorted(fields, key=lambda field: (not field[1], field[0] in last))]


def faults_of(
    error: ValidationError,
    model: type[BaseModel],
    owner: str,
    aliases: Mapping[str, str] | None = None,
) -> Iterator[Fault]:
    """One fault for each field that Pydantic refuses; ``owner`` is what has the fields."""
    by_field: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        raised = detail.get("ctx", {}).get("error")
        if isinstance(raised, Faults):
            yield from (fault.below(detail["loc"]) for fault in raised.faults)
            continue
        field = str(detail["loc"][0]) if detail["loc"] else ""
        by_field.setdefault(field, []).append(detail)
    for field, details in by_field.items():
        kind = details[0]["type"]
        if kind == "extra_forbidden":
            yield unknown_field(field, field_names(model), owner, aliases)
        elif kind == "missing":
            yield _missing(field, model, owner)
        elif not field:
            yield Fault("wrong-value", details[0]["msg"].removeprefix("Value error, "), None)
        else:
            yield _wrong(field, model, details)


def accepts(model: type[BaseModel], field: str, value: object) -> bool:
    """Whether a field takes a value, whatever the other fields are."""
    try:
        model.model_validate({field: value})
    except ValidationError as error:
        return all(detail["loc"] and detail["loc"][0] != field for detail in error.errors())
    return True


def unknown_field(
    field: str, known: Iterable[str], owner: str, aliases: Mapping[str, str] | None = None
) -> Fault:
    """The fault of a key that the owner does not have."""
    known = list(known)
    near = did_you_mean(field, known)
    before_colon = field.partition(":")[0]
    if ":" in field and before_colon in known:
        near = before_colon
        advice = f"write `{near}: {field.partition(':')[2]}`: a space is missing after the colon"
    elif field in ("name", "when"):
        advice = f"`{field}` stands beside the kind: `- {{{field}: …, {owner}: {{…}}}}`"
    elif aliases and field in aliases:
        near = aliases[field]
        advice = f"here it is `{near}`"
    elif owner in KINDS and (elsewhere := field_advice(field, known)):
        near, advice = None, elsewhere
    elif near:
        advice = f"did you mean `{near}`?"
    elif known:
        advice = f"its fields are {', '.join(known)}"
    else:
        advice = f"`{owner}` has no fields"
    message = f"`{owner}` has no field `{shortened(field)}`"
    return Fault("unknown-key", message, advice, (field,), True, near)


def expected(model: type[BaseModel], field: str) -> str:
    """What a field takes, in words."""
    info = model.model_fields.get(field) or next(
        info for info in model.model_fields.values() if info.alias == field
    )
    return next((item.text for item in info.metadata if isinstance(item, Expects)), "another value")


def _missing(field: str, model: type[BaseModel], owner: str) -> Fault:
    info = model.model_fields.get(field) or next(
        info for info in model.model_fields.values() if info.alias == field
    )
    advice = f"add `{field}: …`, {expected(model, field)}"
    if issubclass(model, Layer) and field == model.scalar_field:
        advice = f"write `{owner}: …`, {expected(model, field)}"
    return Fault(
        "missing-field", f"`{owner}` needs `{field}`: {info.description}", advice, meant=field
    )


def _wrong(field: str, model: type[BaseModel], details: list[ErrorDetails]) -> Fault:
    # Of the errors of a union's members, the one deepest in the value is the most precise.
    deepest = max(details, key=lambda d: sum(isinstance(part, int) for part in d["loc"]))
    at = tuple(part for part in deepest["loc"][1:] if isinstance(part, int))
    value = deepest["input"]
    refused = {detail["type"] for detail in details}
    rule = "wrong-type"
    if refused & _VALUE_ERRORS and not isinstance(value, (bool, dict)) and value is not None:
        rule = "wrong-value"
    name = f"{field}{''.join(f'[{index}]' for index in at)}"
    own = [d["msg"].removeprefix("Value error, ") for d in details if d["type"] == "value_error"]
    # What one member of a union says of a value that was meant for another is no help.
    if refused != {"value_error"} and not isinstance(value, (list, tuple)):
        own = []
    fault = f"{own[0]}: {shown(value)}" if own else f"cannot be {shown(value)}"
    advice = f"it takes {expected(model, field)}"
    word = isinstance(value, str) and value.isalpha() and not at
    small = value.lower() if word else value
    if small != value and accepts(model, field, small):
        advice = f"write it in small letters: `{small}`"
    return Fault(rule, f"`{name}` {fault}", advice, (field, *at))
