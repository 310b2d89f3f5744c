"""From the nodes of a text to layers: variables, defaults, blocks, `repeat` and `when` put in.

Faults are collected, never raised: a layer that has one becomes ``Unreadable``, and reading goes
on, so that one run shows all of a file's faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from cnnkit.errors import Finding, Location, did_you_mean
from cnnkit.layers import KINDS, layer_class
from cnnkit.layers.base import Layer
from cnnkit.layers.block import Block, Unreadable
from cnnkit.spec.faults import Fault, faults_of, field_names, shown, unknown_field
from cnnkit.spec.graph import MAX_OPERATIONS
from cnnkit.spec.names import kind_advice
from cnnkit.spec.node import Node

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
REQUIRED: Final = "required"
# Blocks that use blocks: deeper than this is a mistake.
_MAX_BLOCK_DEPTH: Final = 40

Scope = Mapping[str, Any]


class Faulty(Exception):  # noqa: N818 - control flow inside this room, never seen outside
    """The value being read has a fault, which is already among the findings."""


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """Where a layer stands: its node in a list, and the key and fields of its kind."""

    node: Node
    key: str | None = None
    index: int | None = None

    def find(self, field: tuple[str | int, ...]) -> Location | None:
        """The place of a field, as deep as it is written; else that of the layer's kind."""
        found = self.node.location() if self.key is None else self.node.key_location(self.key)
        if self.key is None or not isinstance(self.node.value, dict):
            return found
        node = self.node.value[self.key]
        for part in field:
            inner = node.value
            if isinstance(inner, dict) and part in inner:
                node = inner[str(part)]
            elif isinstance(inner, list) and isinstance(part, int) and part < len(inner):
                node = inner[part]
            else:
                break
            found = node.location()
        return found


@dataclass(frozen=True, slots=True)
class BlockDefinition:
    """A block of `blocks:`: its arguments, with the nodes of their defaults, and its layers."""

    name: str
    arguments: Mapping[str, Node]
    layers: Node
    node: Node


class Expander:
    """Makes the layers of a spec from nodes."""

    def __init__(
        self,
        findings: list[Finding],
        variables: Scope,
        blocks: Mapping[str, BlockDefinition],
        defaults: Mapping[str, Mapping[str, Node]],
    ) -> None:
        self.findings = findings
        self.variables = variables
        self.blocks = blocks
        self.defaults = defaults
        self.path: list[str] = []
        self.uses: list[tuple[str, LayerPlace]] = []
        self.budget = MAX_OPERATIONS
        self.made: dict[tuple[object, ...], Layer] = {}
        self.names: dict[int, frozenset[str]] = {}
        self.shared = 0  # above 0 inside a block or repeat, where a node is read more than once

    # Findings ---------------------------------------------------------------------------------

    def report(
        self, rule: str, message: str, advice: str | None, location: Location | None
    ) -> None:
        """Adds a finding at the layer that is being read."""
        used_at = tuple(at for _, place in reversed(self.uses) if (at := place.find(())))
        path = ".".join(self.path) or None
        finding = Finding(rule, "error", message, advice, location, path, used_at)
        if finding not in self.findings[-50:]:  # a block's fault is found at each of its uses
            self.findings.append(finding)

    def fault(self, fault: Fault, place: LayerPlace) -> None:
        """Adds a finding about a field of a layer."""
        location = place.find(fault.field)
        if fault.on_key and place.key is not None:
            fields = place.node.value[place.key] if isinstance(place.node.value, dict) else None
            location = (fields and fields.key_location(str(fault.field[0]))) or location
        self.report(fault.rule, fault.message, fault.help, location)

    # Values -----------------------------------------------------------------------------------

    def value(self, node: Node, scope: Scope) -> Any:
        """The plain value of a node, expressions evaluated.

        Raises:
            Faulty: An expression in it is wrong.
        """
        value = node.value
        kind = type(value)
        if kind is str:
            return self.text(node, scope) if "$" in value else value  # type: ignore[operator]
        if kind is list:
            return [self.value(item, scope) for item in value]  # type: ignore[union-attr,arg-type]
        if kind is dict:
            return {key: self.value(item, scope) for key, item in value.items()}  # type: ignore[union-attr]
        return value

    def text(self, node: Node, scope: Scope) -> Any:
        """The value of a string that holds expressions."""
        from cnnkit.spec.expression import ExpressionError, evaluate

        try:
            value = evaluate(str(node.value), scope)
        except ExpressionError as error:
            self.report(
                "invalid-expression", error.message, error.help, _inside(node, error.offset)
            )
            raise Faulty from None
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value

    # Layers -----------------------------------------------------------------------------------

    def sequence(self, node: Node, scope: Scope, label: str) -> tuple[Layer, ...]:
        """The layers of a list, without those whose `when` is false."""
        if not isinstance(node.value, list):
            self.report(
                "wrong-type",
                f"`{label.rsplit('.', 1)[-1]}` is {what(node)}, not a list of layers",
                "write one layer a line, each after a dash: `- conv: {filters: 8, kernel: 3}`",
                node.location(),
            )
            return (Unreadable(word=label),)
        layers: list[Layer] = []
        seen: dict[str, Location | None] = {}
        for index, item in enumerate(node.value):
            self.path.append(f"{label}.{index}")
            layer = self.layer(item, scope)
            if layer is not None:
                layers.append(layer)
                if layer.name is not None:
                    self._unique(layer.name, item, seen)
            self.path.pop()
        return tuple(layers)

    def _unique(self, name: str, node: Node, seen: dict[str, Location | None]) -> None:
        where = node.location()
        if isinstance(node.value, dict) and "name" in node.value:
            where = node.value["name"].location()
        if name in seen:
            first = seen[name]
            at = f", first on line {first.line}" if first else ""
            self.report(
                "duplicate-name",
                f"two layers of one list are named `{name}`{at}",
                "a name is part of the layer's path: give each its own",
                where,
            )
        seen.setdefault(name, where)

    def layer(self, node: Node, scope: Scope) -> Layer | None:
        """The layer of a node; None where its `when` is false."""
        if not self.shared:
            return self._layer(node, scope)
        names = self._names(node)
        if not names.issubset(scope):
            return self._layer(node, scope)
        key = (id(node), *[_hashable(scope[name]) for name in sorted(names)])
        if key not in self.made:
            made = self._layer(node, scope)
            if made is None or isinstance(made, (Block, Unreadable)):
                return made  # a block's layers are remembered one by one
            self.made[key] = made
        return self.made[key]

    def _names(self, node: Node) -> frozenset[str]:
        """The variables that a node and all below it read."""
        known = self.names.get(id(node))
        if known is not None:
            return known
        value = node.value
        names: frozenset[str] = frozenset()
        if isinstance(value, str):
            if "$" in value:
                from cnnkit.spec.expression import ExpressionError, names_in

                try:
                    names = names_in(value)
                except ExpressionError:  # reported where the value is read; never remembered
                    names = frozenset({value})
        elif isinstance(value, (list, dict)):
            inner = value if isinstance(value, list) else value.values()
            names = frozenset().union(*map(self._names, inner))
        self.names[id(node)] = names
        return names

    def _layer(self, node: Node, scope: Scope) -> Layer | None:
        self.budget -= 1
        if self.budget <= 0:
            if self.budget == 0:
                self.report(
                    "too-large",
                    f"the spec expands to more than {MAX_OPERATIONS:,} layers",
                    "a `repeat` or a block used by blocks multiplies layers: lower its `times`",
                    node.location(),
                )
            return None
        try:
            return self._read(node, scope)
        except Faulty:
            return Unreadable(word=_word(node)).placed(LayerPlace(node))

    def _read(self, node: Node, scope: Scope) -> Layer | None:
        place, kind = self._kind(node, scope)
        beside: dict[str, Any] = {}
        fields: Node | None = None
        if isinstance(node.value, dict):
            if "when" in node.value and not self._when(node.value["when"], scope):
                return None
            if "name" in node.value:
                beside["name"] = self._name(node.value["name"], scope)
            fields = node.value[place.key] if place.key is not None else None
        if kind in self.blocks:
            return self._block(self.blocks[kind], fields, place, scope, beside.get("name"))
        cls = self._class(kind, place)
        values = self._fields(cls, fields, place, scope)
        meant = self._strangers(cls, values, place)
        return self._validated(cls, {**values, **beside}, place, meant).placed(place)

    def _kind(self, node: Node, scope: Scope) -> tuple[LayerPlace, str]:
        """The place of a layer's kind, and the kind."""
        value = node.value
        if isinstance(value, str):
            kind = self.value(node, scope)
            if isinstance(kind, str):
                return LayerPlace(node), kind
            self._no_layer(node, f"{shown(kind)} is no kind of layer")
        if not isinstance(value, dict):
            self._no_layer(node, f"{what(node)} is no layer")
            raise Faulty
        keys = [key for key in value if key not in ("name", "when")]
        if len(keys) != 1:
            given = " and ".join(f"`{key}`" for key in keys) if keys else "no kind"
            self._no_layer(
                node,
                f"a layer has one kind, this one has {given}",
                node.key_location(keys[1]) if len(keys) > 1 else None,
            )
        return LayerPlace(node, keys[0]), keys[0]

    def _no_layer(self, node: Node, message: str, at: Location | None = None) -> None:
        self.report(
            "wrong-type",
            message,
            "write a kind, `- flatten`, or a kind with its fields, "
            "`- conv: {filters: 8, kernel: 3}`; beside it only `name` and `when`",
            at or node.location(),
        )
        raise Faulty

    def _class(self, kind: str, place: LayerPlace) -> type[Layer]:
        if kind in KINDS:
            return layer_class(kind)
        self.report(
            "unknown-kind",
            f"there is no kind `{kind}`",
            kind_advice(kind, self.blocks),
            place.find(()),
        )
        raise Faulty

    def _when(self, node: Node, scope: Scope) -> bool:
        value = self.value(node, scope)
        if isinstance(value, bool):
            return value
        self.report(
            "wrong-type",
            f"`when` is {shown(value)}, not true or false",
            "write a comparison, such as `when: $(stride > 1)`",
            node.location(),
        )
        raise Faulty

    def _name(self, node: Node, scope: Scope) -> str:
        value = self.value(node, scope)
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
        self.report(
            "wrong-value",
            f"`name` cannot be {shown(value)}",
            "a name is part of a path: a letter, then letters, digits, _ and -",
            node.location(),
        )
        raise Faulty

    def _fields(
        self, cls: type[Layer], node: Node | None, place: LayerPlace, scope: Scope
    ) -> dict[str, Any]:
        """The values of a layer's fields, the spec's defaults where it leaves them out."""
        given = self._mapping(cls, node)
        nodes = {**self.defaults.get(cls.kind, {}), **given}
        if cls.kind == "repeat":
            return self._repeat(nodes, scope, place)
        values: dict[str, Any] = {}
        faulty = False
        for field, value in nodes.items():
            try:
                values[field] = self._field(cls, field, value, scope)
            except Faulty:
                faulty = True
        if faulty:
            raise Faulty
        return values

    def _mapping(self, cls: type[Layer], node: Node | None) -> Mapping[str, Node]:
        if node is None or node.value is None:
            return {}
        if isinstance(node.value, dict):
            return node.value
        if cls.scalar_field is not None:
            return {cls.scalar_field: node}
        first = next((name for name in cls.model_fields if name != "name"), None)
        example = f"{{{first}: {shown(node.plain())}}}" if first else "nothing behind it"
        self.report(
            "wrong-type",
            f"`{cls.kind}` has {what(node)} where its fields belong",
            f"write `{cls.kind}: {example}`" if first else f"write `- {cls.kind}`",
            node.location(),
        )
        raise Faulty

    def _field(self, cls: type[Layer], field: str, node: Node, scope: Scope) -> Any:
        if field in cls.activation_fields:
            return self._activation(node, scope, field)
        if field in cls.sequence_fields:
            if field == "shortcut" and node.value == "identity":
                return ()
            return self.sequence(node, scope, field)
        if field == "branches" and cls.kind == "parallel":
            return self._branches(node, scope)
        return self.value(node, scope)

    def _branches(self, node: Node, scope: Scope) -> dict[str, tuple[Layer, ...]]:
        value = node.value
        if isinstance(value, list):
            named = {str(index): branch for index, branch in enumerate(value)}
        elif isinstance(value, dict):
            named = value
        else:
            named = {}
            self.report(
                "wrong-type",
                f"`branches` is {what(node)}, not a list of lists of layers",
                "write `branches: [[…], […]]`, or `name: […]` for each branch",
                node.location(),
            )
            raise Faulty
        return {
            name: self.sequence(branch, scope, f"branches.{name}") for name, branch in named.items()
        }

    def _activation(self, node: Node, scope: Scope, field: str) -> Layer | None:
        """The activation that a field names, a kind or a kind with fields."""
        value = node.value
        kind: object = None
        place = LayerPlace(node)
        fields: Node | None = None
        if isinstance(value, dict) and len(value) == 1:
            ((kind, fields),) = value.items()
            place = LayerPlace(node, str(kind))
        elif isinstance(value, str):
            kind = self.value(node, scope)
        if kind is None and value is None:
            return None
        if not isinstance(kind, str) or KINDS.get(kind, "activation") != "activation":
            self.report(
                "wrong-value" if isinstance(kind, str) else "wrong-type",
                f"`{field}` is {shown(kind if isinstance(kind, str) else node.plain())}, "
                "which is no activation",
                "write a kind, `relu`, or a kind with fields, `{leaky_relu: {slope: 0.2}}`",
                node.location(),
            )
            raise Faulty
        cls = self._class(kind, place)
        values = self._fields(cls, fields, place, scope)
        meant = self._strangers(cls, values, place)
        return self._validated(cls, values, place, meant).placed(place)

    def _strangers(
        self, cls: type[Layer], values: dict[str, Any], place: LayerPlace
    ) -> list[str | None]:
        """Reports the keys that a kind has not, leaves them out, and says what they may mean."""
        meant = []
        for field in [name for name in values if name not in field_names(cls)]:
            if cls.kind == "repeat" and isinstance(values[field], tuple):
                continue  # the `copies` that `_repeat` has made; a text holds no tuples
            del values[field]
            fault = unknown_field(field, field_names(cls), cls.kind, cls.field_aliases)
            self.fault(fault, place)
            meant.append(fault.meant)
        return meant

    def _validated(
        self,
        cls: type[Layer],
        values: dict[str, Any],
        place: LayerPlace,
        meant: Sequence[str | None] = (),
    ) -> Layer:
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            for fault in faults_of(error, cls, cls.kind, cls.field_aliases):
                # A field that is missing because it is misspelt is one mistake, not two.
                if fault.rule != "missing-field" or fault.meant not in meant:
                    self.fault(fault, place)
            raise Faulty from None

    def _repeat(self, nodes: Mapping[str, Node], scope: Scope, place: LayerPlace) -> dict[str, Any]:
        """The fields of a repeat; its body is read once, or for each `$index` it reads."""
        values = {
            field: self.value(node, scope) for field, node in nodes.items() if field != "layers"
        }
        body, times = nodes.get("layers"), values.get("times")
        if body is None:
            return values
        if not isinstance(times, int) or isinstance(times, bool) or times < 1:
            # Not a number of copies, which the model says; or none, where nothing is read.
            return {**values, "layers": ()}
        if times > MAX_OPERATIONS:
            at = place.find(("times",))
            self.report(
                "too-large",
                f"`times` is {shown(times)}: at most {MAX_OPERATIONS:,} copies are expanded",
                "lower it",
                at,
            )
            raise Faulty
        self.shared += 1
        try:
            indexed = "index" in self._names(body)
            copies = tuple(
                self.sequence(body, {**scope, "index": index}, "layers")
                for index in range(times if indexed else 1)
            )
        finally:
            self.shared -= 1
        values["layers"] = copies[0]
        if indexed:
            values["copies"] = copies
        return values

    def _block(
        self,
        block: BlockDefinition,
        node: Node | None,
        place: LayerPlace,
        scope: Scope,
        name: str | None,
    ) -> Layer:
        """The expansion of a block where it is used."""
        used = [use for use, _ in self.uses]
        if block.name in used or len(used) >= _MAX_BLOCK_DEPTH:
            cycle = (
                " → ".join([*used[used.index(block.name) :], block.name])
                if (block.name in used)
                else f"{_MAX_BLOCK_DEPTH} blocks deep"
            )
            self.report(
                "recursive-block",
                f"block `{block.name}` would expand without end: {cycle}",
                "a block may use other blocks, not itself",
                place.find(()),
            )
            raise Faulty
        arguments = self._arguments(block, node, place, scope)
        self.uses.append((block.name, place))
        self.shared += 1
        self.path[-1:] = [f"{self.path[-1]}.{block.name}"] if self.path else []
        try:
            layers = self.sequence(block.layers, {**self.variables, **arguments}, "layers")
        finally:
            self.shared -= 1
            self.uses.pop()
        return Block(block=block.name, layers=layers, name=name).placed(place)

    def _arguments(
        self, block: BlockDefinition, node: Node | None, place: LayerPlace, scope: Scope
    ) -> dict[str, Any]:
        given: Mapping[str, Node] = {}
        if node is not None and node.value is not None:
            if not isinstance(node.value, dict):
                self.report(
                    "wrong-type",
                    f"block `{block.name}` has {what(node)} where its arguments belong",
                    f"write `{block.name}: {{{', '.join(f'{a}: …' for a in block.arguments)}}}`",
                    node.location(),
                )
                raise Faulty
            given = node.value
        faulty = False
        for name in given:
            if name not in block.arguments:
                near = did_you_mean(name, block.arguments)
                listed = f"its arguments are {', '.join(block.arguments)}"
                advice = f"did you mean `{near}`?" if near else listed
                if not block.arguments:
                    advice = "it has no arguments"
                message = f"block `{block.name}` has no argument `{name}`"
                fault = Fault("unknown-key", message, advice, (name,), on_key=True)
                self.fault(fault, place)
                faulty = True
        values: dict[str, Any] = {}
        for name, default in block.arguments.items():
            try:
                if name in given:
                    values[name] = self.value(given[name], scope)
                elif default.value == REQUIRED:
                    self._argument_missing(block, name, place)
                    faulty = True
                else:
                    values[name] = self.value(default, {**self.variables, **values})
            except Faulty:
                faulty = True
        if faulty:
            raise Faulty
        return values

    def _argument_missing(self, block: BlockDefinition, name: str, place: LayerPlace) -> None:
        self.report(
            "missing-field",
            f"block `{block.name}` needs `{name}`",
            f"add `{name}: …`",
            place.find(()),
        )


def _hashable(value: Any) -> object:
    """A variable's value as part of a key; true and 1 are different values."""
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return (type(value), value)


def _word(node: Node) -> str:
    value = node.value
    if isinstance(value, dict):
        return next((key for key in value if key not in ("name", "when")), "layer")
    return str(value)


def what(node: Node) -> str:
    """What a node is, in words."""
    names: dict[type, Callable[[], str]] = {
        list: lambda: "a list",
        dict: lambda: "a mapping",
        type(None): lambda: "nothing",
    }
    return names.get(type(node.value), lambda: shown(node.value))()


def _inside(node: Node, offset: int) -> Location | None:
    """The place ``offset`` characters into a string's text."""
    where = node.location()
    if where is None or where.line != where.end_line:
        return where
    quoted = where.text[where.column - 1 : where.column] in ("'", '"')
    column = min(where.column + offset + quoted, max(where.end_column - 1, where.column))
    return Location(where.file, where.line, column, where.end_line, where.end_column, where.text)
