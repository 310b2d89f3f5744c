"""The fields of `train:` that go on from a network trained before: what stays, and until when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, Strict, ValidationError

from cnnkit.layers.field import Count, Expects, Flag
from cnnkit.spec.language.faults import Fault, Faults, faults_of, shown
from cnnkit.spec.model.section import Section
from cnnkit.spec.model.training.part import section
from cnnkit.spec.text.scalars import shortened

_MULTIPLE: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?(?:e[+-]?\d{1,2})?)\s*[x×]\s*")
_LAYERS: Final = '`[layers.stem, "layers.stage*"]`'
Pattern = Annotated[str, Field(min_length=1)]


class Freeze(Section):
    """Layers whose weights stay as they are."""

    layers: Annotated[
        tuple[Pattern, ...],
        Strict(False),
        Field(min_length=1),
        Expects(f"a list of the paths of layers, `*` for any characters: {_LAYERS}"),
    ] = Field(description="the layers, all that is inside them included")
    statistics: Flag = Field(
        True,
        description="whether the running statistics of their batch norms stay too, which then "
        "norm as they do at inference",
    )


class Unfreeze(Section):
    """When the frozen layers are trained after all."""

    at: Count = Field(description="the epochs after which all is trained")


def read_freeze(value: object) -> object:
    """What a list of layers, or a mapping, freezes; an empty list freezes nothing.

    Raises:
        Faults: A field of it is wrong.
    """
    if isinstance(value, (list, tuple)):
        fields: Mapping[str, object] = {"layers": value}
    elif isinstance(value, Mapping):
        fields = value
    else:
        return value
    if fields.get("layers") in ([], ()):
        return None
    try:
        return Freeze.model_validate(dict(fields))
    except ValidationError as error:
        faults = list(faults_of(error, Freeze, "freeze"))
    if fields is not value:  # the list stands where the field would
        faults = [
            fault._replace(
                message=fault.message.replace("`layers", "`freeze", 1), field=fault.field[1:]
            )
            for fault in faults
        ]
    raise Faults(*faults)


Frozen = Annotated[
    Freeze | None,
    BeforeValidator(read_freeze),
    Expects(f"a list of the paths of layers: {_LAYERS}"),
]
Unfrozen = Annotated[
    Unfreeze | None,
    section(Unfreeze, "unfreeze"),
    Expects("the epochs after which all is trained: `{at: 5}`"),
]
Source = Annotated[
    Pattern | None,
    Expects("the folder of a run or a file of weights, seen from the spec's folder"),
]


def multiples(value: object) -> dict[str, float]:
    """Multiples of the learning rate by the patterns of layers, of `{layers.head: 10x}`.

    Raises:
        Faults: It is no mapping, or one of them is no multiple.
    """
    if not isinstance(value, Mapping):
        raise Faults(
            Fault(
                "wrong-type",
                f"`layers` is {shown(value)}, not a mapping",
                "write multiples of the rate by the paths of layers: `{layers.head: 10x}`",
                ("layers",),
            )
        )
    found, faults = {}, []
    for pattern, each in value.items():
        match = _MULTIPLE.fullmatch(each) if isinstance(each, str) else None
        if match is None or not (factor := float(match[1])):
            faults.append(_no_multiple(str(pattern), each))
        else:
            found[str(pattern)] = factor
    if faults:
        raise Faults(*faults)
    return found


def _no_multiple(pattern: str, value: object) -> Fault:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    advice = f"write `{shown(value)}x`" if number else "write one above 0, such as `10x` or `0.1x`"
    if value in (0, "0x"):
        advice = "layers that are not to be trained stand in `freeze`"
    message = f"`{shortened(pattern)}` has {shown(value)}, which is no multiple of the rate"
    return Fault("wrong-value", message, advice, ("layers", pattern))
