"""A part of a recipe that is chosen by its name: `adam`, or `{sgd: {momentum: 0.9}}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from cnnkit.errors import did_you_mean
from cnnkit.layers.field import Expects
from cnnkit.spec.language.faults import Fault, Faults, accepts, faults_of, field_names, shown
from cnnkit.spec.model.section import Section
from cnnkit.spec.text.scalars import shortened

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Expects("a number above 0")]
NotNegative = Annotated[
    float, Field(ge=0, allow_inf_nan=False), Expects("a number that is not negative")
]
Fraction = Annotated[float, Field(ge=0, le=1), Expects("a number from 0 to 1")]
Decay = Annotated[float, Field(ge=0, lt=1), Expects("a number from 0 up to, but not, 1")]


class Part(Section):
    """One choice among several, with its fields.

    Attributes:
        kind: Its name in a spec.
        scalar_field: The field that its value is, where it is written without fields, as in
            `shift: 4`.
        field_aliases: Other names for a field that frameworks use, with ours.
        beside: What frameworks have among its fields and `train:` has beside it, with our names.
    """

    kind: ClassVar[str] = ""
    scalar_field: ClassVar[str | None] = None
    field_aliases: ClassVar[Mapping[str, str]] = {}
    beside: ClassVar[Mapping[str, str]] = {}

    def written(self) -> Any:
        """The part as a spec says it; what is the default is left out."""
        fields = given(self)
        if not fields:
            return self.kind
        scalar = self.scalar_field
        if scalar is not None and list(fields) == [scalar]:
            return {self.kind: fields[scalar]}
        return {self.kind: fields}


def given(model: BaseModel) -> dict[str, Any]:
    """The fields of a model that differ from their defaults, as plain data."""
    return {
        info.alias or name: plain(getattr(model, name))
        for name, info in type(model).model_fields.items()
        if info.is_required() or getattr(model, name) != info.get_default(call_default_factory=True)
    }


def plain(value: Any) -> Any:
    """A value of a field as plain data."""
    if isinstance(value, Part):
        return value.written()
    if isinstance(value, BaseModel):
        return given(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class Variant:
    """The parts that a field chooses from. It stands in the field's annotation, for the schema.

    Attributes:
        what: What one of them is called: ``optimizer``.
        kinds: The parts by name.
        example: One as it may be written.
        aliases: Other names that frameworks use, with ours.
    """

    what: str
    kinds: Mapping[str, type[Part]]
    example: str
    aliases: Mapping[str, str] = field(default_factory=dict)

    def read(self, value: object) -> Part:
        """The part that plain data names.

        Raises:
            Faults: It names none, or a field of it is wrong.
        """
        if isinstance(value, Part):
            return value
        if isinstance(value, str):
            return self._made(self._class(value, ()), {}, ())
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, fields),) = value.items()
            return self._made(self._class(str(name), (str(name),)), fields, (str(name),))
        raise Faults(
            Fault(
                "wrong-type",
                f"{shown(value)} is no {self.what}",
                f"write one by its name, {self.example}",
            )
        )

    def _class(self, name: str, at: tuple[str, ...]) -> type[Part]:
        if name in self.kinds:
            return self.kinds[name]
        near = self.aliases.get(name.lower()) or did_you_mean(name, self.kinds)
        advice = f"did you mean `{near}`?" if near else f"there are {', '.join(self.kinds)}"
        message = f"there is no {self.what} `{shortened(name)}`"
        raise Faults(Fault("wrong-value", message, advice, at, bool(at)))

    def _made(self, kind: type[Part], fields: object, at: tuple[str, ...]) -> Part:
        if fields is None:
            fields = {}
        elif not isinstance(fields, Mapping) and kind.scalar_field is not None:
            fields = {kind.scalar_field: fields}
        if not isinstance(fields, Mapping):
            raise Faults(_no_fields(kind, fields, at))
        try:
            return kind.model_validate(dict(fields))
        except ValidationError as error:
            found = faults_of(error, kind, kind.kind, kind.field_aliases)
            raise Faults(*(_placed(fault, kind, at) for fault in found)) from None


def _placed(fault: Fault, kind: type[Part], at: tuple[str, ...]) -> Fault:
    """A fault of a part, at its name where it is not of one of its fields."""
    if not fault.field:
        return fault._replace(field=at, on_key=bool(at))
    beside = kind.beside.get(str(fault.field[0]))
    if fault.rule == "unknown-key" and beside:
        fault = fault._replace(help=stands_beside(beside))
    return fault.below(at)


def stands_beside(field: str) -> str:
    """What to do with a field that `train:` has itself."""
    return f"it stands beside it: `train: {{{field}: …}}`"


def _no_fields(kind: type[Part], value: object, at: tuple[str, ...]) -> Fault:
    """The fault of `sgd: 0.9`, where the fields of `sgd` belong."""
    takes = next((name for name in field_names(kind) if accepts(kind, name, value)), None)
    advice = f"write `{kind.kind}`, and its fields as a mapping behind a colon"
    if takes:
        advice = f"write `{kind.kind}: {{{takes}: {shown(value)}}}`"
    message = f"`{kind.kind}` has {shown(value)} where its fields belong"
    return Fault("wrong-type", message, advice, at)


def by_name(*kinds: type[Part]) -> dict[str, type[Part]]:
    """Parts by their names in a spec."""
    return {kind.kind: kind for kind in kinds}


def section(model: type[Section], owner: str) -> BeforeValidator:
    """What reads plain data as a section inside another, with its faults at their fields."""

    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        try:
            return model.model_validate(dict(value))
        except ValidationError as error:
            raise Faults(*faults_of(error, model, owner)) from None

    return BeforeValidator(read)
