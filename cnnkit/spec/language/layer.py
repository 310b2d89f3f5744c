"""One layer of a text: its kind, what stands beside it, and a model made of its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from cnnkit.errors import Location
from cnnkit.layers import KINDS, layer_class
from cnnkit.layers.base import Layer
from cnnkit.spec.language.blocks import NAME, BlockDefinition
from cnnkit.spec.language.faults import Fault, accepts, faults_of, field_names, shown, unknown_field
from cnnkit.spec.language.names import kind_advice
from cnnkit.spec.language.place import LayerPlace, inmost
from cnnkit.spec.language.reader import Faulty, LayerArgument, Reader, Scope, what
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.scalars import shortened

BESIDE = ("name", "when")
"""What may stand beside a layer's kind."""

CONDITIONAL = frozenset({"when", "layers"})
"""The keys of a branch that may be left out; else a branch is a list of layers."""

Nodes = Mapping[str, YamlNode]
_NOTHING: Nodes = {}


@cache
def _structured(cls: type[Layer]) -> frozenset[str]:
    """The fields of a kind that hold layers: the others are plain values."""
    branches = ("branches",) if cls.kind == "parallel" else ()
    return frozenset({*cls.activation_fields, *cls.sequence_fields, *branches})


class LayerReader(Reader):
    """Reads what belongs to one layer alone."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: Scope = {}
        self.blocks: Mapping[str, BlockDefinition] = {}
        self.defaults: Mapping[str, Nodes] = {}

    def kind(self, node: YamlNode, scope: Scope, index: int | None) -> tuple[LayerPlace, str]:
        """The place of a layer, and its kind or the name of its block.

        Raises:
            Faulty: The node is no layer.
        """
        value = node.value
        if isinstance(value, str):
            kind = self.value(node, scope)
            if isinstance(kind, str):
                return LayerPlace(node, None, index), kind
            raise self._no_layer(f"{shown(kind)} is no kind of layer", node.location())
        if not isinstance(value, dict):
            raise self._no_layer(f"{what(node)} is no layer", node.location())
        keys = [key for key in value if key not in BESIDE]
        if len(keys) > 1 and value[keys[0]].value is None:
            raise self._not_indented(node, keys)
        if len(keys) != 1:
            given = " and ".join(f"`{key}`" for key in keys) if keys else "no kind"
            at = node.key_location(keys[1]) if keys else node.location()
            raise self._no_layer(f"a layer has one kind, this one has {given}", at)
        return LayerPlace(node, keys[0], index), keys[0]

    def _not_indented(self, node: YamlNode, keys: Sequence[str]) -> Faulty:
        """The fault of `conv:` with its fields on the next lines, no deeper than itself."""
        kind, *fields = keys
        self.report(
            "wrong-type",
            f"{' and '.join(f'`{field}`' for field in fields)} "
            f"{'stands' if len(fields) == 1 else 'stand'} beside `{kind}`, not inside it",
            f"indent what belongs to `{kind}` deeper, or write `{kind}: {{{fields[0]}: …}}`",
            node.key_location(fields[0]),
        )
        return Faulty()

    def _no_layer(self, message: str, at: Location | None) -> Faulty:
        self.report(
            "wrong-type",
            message,
            "write a kind, `- flatten`, or a kind with its fields, "
            "`- conv: {filters: 8, kernel: 3}`; beside it only `name` and `when`",
            at,
        )
        return Faulty()

    def kind_class(self, kind: str, place: LayerPlace) -> type[Layer]:
        """The model of a kind.

        Raises:
            Faulty: There is no such kind.
        """
        if kind in KINDS:
            return layer_class(kind)
        message = f"there is no kind `{shortened(kind)}`"
        self.report("unknown-kind", message, kind_advice(kind, self.blocks), place.find(()))
        raise Faulty

    def when(self, node: YamlNode, scope: Scope) -> bool:
        """Whether a layer is there.

        Raises:
            Faulty: The value is neither true nor false.
        """
        value = self.value(node, scope)
        if isinstance(value, bool):
            return value
        message = f"`when` is {shown(value)}, not true or false"
        advice = "write a comparison, such as `when: $(stride > 1)`"
        self.report("wrong-type", message, advice, node.location())
        raise Faulty

    def name(self, node: YamlNode, scope: Scope) -> str | None:
        """The name of a layer; None, and a finding, where it cannot be one."""
        try:
            value = self.value(node, scope)
        except Faulty:
            return None
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
        advice = "a name is part of a path: a letter, then letters, digits, _ and -"
        self.report("wrong-value", f"`name` cannot be {shown(value)}", advice, node.location())
        return None

    def fields(self, cls: type[Layer], place: LayerPlace) -> Nodes:
        """The nodes of the fields that a layer gives.

        Raises:
            Faulty: What stands behind the kind is no mapping.
        """
        node = place.fields
        if node is None or node.value is None:
            return _NOTHING
        if isinstance(node.value, dict):
            return node.value
        if cls.scalar_field is not None:
            return {cls.scalar_field: node}
        given = node.plain()
        takes = next((field for field in field_names(cls) if accepts(cls, field, given)), None)
        self.report(
            "wrong-type",
            f"`{cls.kind}` has {what(node)} where its fields belong",
            f"write `{cls.kind}: {{{takes}: {shown(given)}}}`"
            if takes
            else f"write `- {cls.kind}`, and its fields as a mapping behind a colon",
            node.location(),
        )
        raise Faulty

    def activation(self, node: YamlNode, scope: Scope, field: str) -> Layer | None:
        """The activation that a field names, a kind or a kind with fields.

        Raises:
            Faulty: It is none, or one of its fields has a fault.
        """
        value = node.value
        place = LayerPlace(node)
        kind: object = node.plain()
        if isinstance(value, str):
            given = self.evaluated(node, value, scope) if "$" in value else value
            if isinstance(given, LayerArgument):
                return self.activation(given.node, given.scope, field)
            kind = given
        elif isinstance(value, dict) and len(value) == 1:
            (kind,) = value
            place = LayerPlace(node, kind)
        if kind is None:
            return None
        if not isinstance(kind, str) or KINDS.get(kind, "activation") != "activation":
            self.report(
                "wrong-value" if isinstance(kind, str) else "wrong-type",
                f"`{field}` is {shown(kind)}, which is no activation",
                "write a kind, `relu`, or a kind with fields, `{leaky_relu: {slope: 0.2}}`",
                node.location(),
            )
            raise Faulty
        cls = self.kind_class(kind, place)
        return self.made(cls, *self.values(cls, self.fields(cls, place), scope), place)

    def values(
        self, cls: type[Layer], given: Nodes, scope: Scope
    ) -> tuple[dict[str, Any], list[str]]:
        """The values of a layer's fields, and the fields that have a fault.

        The spec's defaults stand for what is not given; they see its variables alone.
        """
        values: dict[str, Any] = {}
        faulty: list[str] = []
        structured = _structured(cls)
        own = self.defaults.get(cls.kind, _NOTHING)
        for nodes, seen in (given, scope), (own, self.seen(self.variables) if own else scope):
            for field, node in nodes.items():
                if nodes is not given and field in given:
                    continue
                try:
                    values[field] = (
                        self.field(cls, field, node, seen)
                        if field in structured
                        else self.value(node, seen)
                    )
                except Faulty:
                    faulty.append(field)
        return values, faulty

    def seen(self, scope: Scope) -> Scope:
        """The names of a scope, and what else the layer that is being read may ask for."""
        return scope

    def field(self, cls: type[Layer], field: str, node: YamlNode, scope: Scope) -> Any:
        """The value of a field that holds layers.

        Raises:
            Faulty: It has a fault.
        """
        del cls
        return self.activation(node, scope, field)

    def made(
        self,
        cls: type[Layer],
        values: dict[str, Any],
        faulty: Sequence[str],
        place: LayerPlace,
        **beside: Any,
    ) -> Layer:
        """The layer of a kind with these fields; ``beside`` are those that are not written.

        Raises:
            Faulty: One of the fields has a fault, or had one already.
        """
        known = field_names(cls)
        meant = [*faulty, *self._strangers(cls, values, place)]
        try:
            # Where nothing is given there is nothing to validate: no validator need be built.
            fields = {**values, **beside}
            validated = known and (values or _needs_fields(cls))
            layer = cls.model_validate(fields) if validated else cls.model_construct(**fields)
        except ValidationError as error:
            for fault in faults_of(error, cls, cls.kind, cls.field_aliases):
                # What is missing because it is misspelt is one mistake, not two; and what a layer
                # says of its fields together, without naming one, is not said of a part of them.
                follows = fault.meant in meant if fault.rule == "missing-field" else meant
                if fault.field or not follows:
                    self._fault(fault, place, cls.kind)
            raise Faulty from None
        if faulty:
            raise Faulty
        return layer.placed(place)

    def _strangers(
        self, cls: type[Layer], values: dict[str, Any], place: LayerPlace
    ) -> Sequence[str | None]:
        """Reports the keys that a kind has not, leaves them out, and says what they may mean."""
        known = field_names(cls)
        strangers = [field for field in values if field not in known]
        meant = []
        for field in strangers:
            del values[field]
            fault = unknown_field(field, known, cls.kind, cls.field_aliases)
            self.fault(fault, place)
            meant.append(fault.meant)
        return meant

    def _fault(self, fault: Fault, place: LayerPlace, kind: str) -> None:
        """Adds a finding about a field that the layer gives, or `defaults:` for all of its kind."""
        field, *inner = fault.field or ("",)
        default = self.defaults.get(kind, _NOTHING).get(str(field))
        written = place.fields.value if place.fields is not None else None
        if default is None or (isinstance(written, dict) and field in written):
            self.fault(fault, place)
        else:
            at = inmost(default, inner).location()
            self.report(fault.rule, fault.message, fault.help, at)


@cache
def _needs_fields(cls: type[Layer]) -> bool:
    """Whether a kind may refuse to stand without fields."""
    required = any(field.is_required() for field in cls.model_fields.values())
    return required or bool(cls.__pydantic_decorators__.model_validators)
