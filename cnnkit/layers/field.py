"""What the fields of layers and sections take, and how that is said."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, Strict

Rounding = Literal["exact", "floor", "ceil"]


class Expects(NamedTuple):
    """What a field takes, in words; stands in the field's annotation, for messages."""

    text: str


Count = Annotated[PositiveInt, Expects("a whole number above 0")]
Extents = Annotated[
    PositiveInt | Annotated[tuple[PositiveInt, ...], Strict(False)],
    Expects("a whole number above 0, or a list of one for each axis"),
]
Factors = Annotated[
    PositiveInt
    | Annotated[float, Field(ge=1, allow_inf_nan=False)]
    | Annotated[
        tuple[PositiveInt | Annotated[float, Field(ge=1, allow_inf_nan=False)], ...], Strict(False)
    ],
    Expects("a number of at least 1, or a list of one for each axis"),
]
Flag = Annotated[bool, Expects("true or false")]
Number = Annotated[float, Field(allow_inf_nan=False), Expects("a number")]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False), Expects("a number above 0")]
NonNegativeNumber = Annotated[
    float, Field(ge=0, allow_inf_nan=False), Expects("a number of at least 0")
]
SavedName = Annotated[str, Field(min_length=1), Expects("the name of a saved tensor")]
AxisField = Annotated[
    Literal["channels"] | NonNegativeInt,
    Expects("`channels`, or the number of a spatial axis, counted from 0"),
]
Rate = Annotated[float, Field(ge=0, lt=1), Expects("a number from 0 up to, but not, 1")]


CLOSED = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True, allow_inf_nan=False)
"""The models of a spec: no other fields, no conversions, and no number that is not finite."""
