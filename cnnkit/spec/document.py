"""The whole document: from its top node to a ``Spec``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from cnnkit.errors import Finding, Location
from cnnkit.layers import KINDS, layer_class
from cnnkit.spec.expansion import (
    NAME,
    BlockDefinition,
    Expander,
    Faulty,
    LayerPlace,
    what,
)
from cnnkit.spec.faults import Fault, faults_of, field_names, shown, unknown_field
from cnnkit.spec.model import Spec
from cnnkit.spec.node import Node

SECTIONS: Final = (
    "cnnkit",
    "name",
    "extends",
    "input",
    "rounding",
    "variables",
    "defaults",
    "blocks",
    "layers",
    "expect",
    "budget",
    "rules",
    "train",
    "search",
)
FORMAT: Final = 1


def read_document(node: Node) -> tuple[Spec | None, list[Finding]]:
    """The spec of a document and the faults of its text; no spec where it has no input."""
    return _Document(node).spec()


class _Document:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.findings: list[Finding] = []
        self.top: Mapping[str, Node] = node.value if isinstance(node.value, dict) else {}
        self.place = LayerPlace(node)
        self.expander = Expander(self.findings, {}, {}, {})

    def report(
        self, rule: str, message: str, advice: str | None, location: Location | None
    ) -> None:
        self.findings.append(Finding(rule, "error", message, advice, location))

    def spec(self) -> tuple[Spec | None, list[Finding]]:
        """Reads each section; a fault in one does not keep the others from being read."""
        if not isinstance(self.node.value, dict):
            self.report(
                "wrong-type",
                f"a spec is a mapping with `input:` and `layers:`, this is {what(self.node)}",
                "start from `input: 32x32x3` and `layers:`",
                self.node.location(),
            )
            return None, self.findings
        self._unknown_sections()
        variables = self._variables()
        expander = Expander(self.findings, variables, self._blocks(), self._defaults())
        self.expander = expander
        fields: dict[str, Any] = {}
        for section in ("name", "input", "rounding", "expect", "budget", "rules"):
            self._field(section, fields)
        for section in ("train", "search"):
            if section in self.top:
                fields[section] = self._plain(section)
        fields["layers"] = self._layers(expander, variables)
        spec = self._validated(fields)
        return spec, self.findings

    def _unknown_sections(self) -> None:
        for key in self.top:
            if key not in SECTIONS:
                fault = unknown_field(key, SECTIONS, "a spec")
                advice = fault.help
                if key in KINDS:
                    advice = f"`{key}` is a kind of layer: it belongs into the list `layers:`"
                message = f"a spec has no section `{key}`"
                self.report(fault.rule, message, advice, self.node.key_location(key))
        version = self.top.get("cnnkit")
        if version is not None and (version.value != FORMAT or version.value is True):
            self.report(
                "wrong-value",
                f"`cnnkit` is {shown(version.plain())}: this version reads format {FORMAT}",
                f"write `cnnkit: {FORMAT}` or leave it out; a newer format needs a newer cnnkit",
                version.location(),
            )

    def _mapping(self, section: str, example: str) -> Mapping[str, Node]:
        node = self.top.get(section)
        if node is None or node.value is None:
            return {}
        if isinstance(node.value, dict):
            return node.value
        self.report(
            "wrong-type",
            f"`{section}` is {what(node)}, not a mapping",
            f"write `{section}: {example}`",
            node.location(),
        )
        return {}

    def _variables(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self.expander = Expander(self.findings, values, {}, {})
        for name, node in self._mapping("variables", "{width: 32}").items():
            if not name.isidentifier() or not name.isascii() or name == "index":
                self.report(
                    "wrong-value",
                    f"a variable cannot be named `{name}`",
                    "`index` is the number of a repeat's copy"
                    if name == "index"
                    else "use a letter, then letters, digits and _",
                    self.top["variables"].key_location(name),
                )
                continue
            try:
                value = self.expander.value(node, values)
            except Faulty:
                continue
            if isinstance(value, dict):
                self.report(
                    "wrong-type",
                    f"variable `{name}` is a mapping",
                    "a variable is a number, a string, true or false, or a list of those",
                    node.location(),
                )
                continue
            values[name] = value
        return values

    def _blocks(self) -> dict[str, BlockDefinition]:
        blocks = {}
        for name, node in self._mapping("blocks", "{unit: {layers: […]}}").items():
            at = self.top["blocks"].key_location(name)
            if name in KINDS:
                self.report(
                    "wrong-value",
                    f"a block cannot be named `{name}`: that is a kind of layer",
                    "give it another name",
                    at,
                )
            elif not NAME.fullmatch(name) or name == "when":
                advice = "use a letter, then letters, digits, _ and -"
                self.report("wrong-value", f"a block cannot be named `{name}`", advice, at)
            elif block := self._block(name, node, at):
                blocks[name] = block
        return blocks

    def _block(self, name: str, node: Node, at: Location | None) -> BlockDefinition | None:
        value = node.value
        if not isinstance(value, dict) or "layers" not in value:
            self.report(
                "missing-field",
                f"block `{name}` needs `layers`",
                "write `layers:` and its layers, each after a dash",
                at,
            )
            return None
        for key in value:
            if key not in ("arguments", "layers"):
                fault = unknown_field(key, ("arguments", "layers"), f"block {name}")
                self.report(fault.rule, fault.message, fault.help, node.key_location(key))
        arguments = value.get("arguments")
        defaults: Mapping[str, Node] = {}
        if arguments is not None and arguments.value is not None:
            if isinstance(arguments.value, dict):
                defaults = arguments.value
            else:
                self.report(
                    "wrong-type",
                    f"`arguments` is {what(arguments)}, not a mapping",
                    "write `arguments: {width: required, stride: 1}`",
                    arguments.location(),
                )
        return BlockDefinition(name, defaults, value["layers"], node)

    def _defaults(self) -> dict[str, dict[str, Node]]:
        found: dict[str, dict[str, Node]] = {}
        for kind, node in self._mapping("defaults", "{conv: {bias: false}}").items():
            if kind not in KINDS:
                from cnnkit.spec.names import kind_advice

                at = self.top["defaults"].key_location(kind)
                message = f"there is no kind `{kind}`"
                self.report("unknown-kind", message, kind_advice(kind), at)
            elif not isinstance(node.value, dict):
                message = f"`defaults` of `{kind}` are {what(node)}, not a mapping of its fields"
                advice = f"write `{kind}: {{field: value}}`"
                self.report("wrong-type", message, advice, node.location())
            else:
                found[kind] = self._default_fields(kind, node, node.value)
        return found

    def _default_fields(self, kind: str, node: Node, fields: Mapping[str, Node]) -> dict[str, Node]:
        cls = layer_class(kind)
        for field in fields:
            if field not in field_names(cls):
                fault = unknown_field(field, field_names(cls), kind, cls.field_aliases)
                self.report(fault.rule, fault.message, fault.help, node.key_location(field))
        return {field: value for field, value in fields.items() if field in field_names(cls)}

    def _field(self, section: str, fields: dict[str, Any]) -> None:
        """Reads a section that a model checks; a section with a fault is left out."""
        node = self.top.get(section)
        if node is None:
            return
        try:
            value = self.expander.value(node, self.expander.variables)
        except Faulty:
            return
        if value is None:
            return
        model = Spec.sections.get(section)
        if model is None:
            fields[section] = value
            return
        try:
            fields[section] = model.model_validate(value)
        except ValidationError as error:
            place = LayerPlace(self.node, section)
            self._faults(faults_of(error, model, section), place)

    def _faults(self, faults: Iterable[Fault], place: LayerPlace) -> None:
        for fault in faults:
            location = place.find(fault.field)
            if fault.on_key and place.key is not None:
                location = self.top[place.key].key_location(str(fault.field[0])) or location
            self.report(fault.rule, fault.message, fault.help, location)

    def _plain(self, section: str) -> dict[str, Any] | None:
        try:
            self._mapping(section, "{…}")
            value = self.expander.value(self.top[section], self.expander.variables)
        except Faulty:
            return None
        return value if isinstance(value, dict) else None

    def _layers(self, expander: Expander, variables: Mapping[str, Any]) -> tuple[Any, ...]:
        node = self.top.get("layers")
        if node is None:
            self.report(
                "missing-field",
                "a spec needs `layers`: the layers, first to last",
                "add `layers:` and each layer after a dash: `- conv: {filters: 8, kernel: 3}`",
                self._first(),
            )
            return ()
        return expander.sequence(node, variables, "layers")

    def _validated(self, fields: dict[str, Any]) -> Spec | None:
        given = self.top.get("input")
        if given is None or (given.value is None):
            self.report(
                "missing-field",
                "a spec needs `input`: the shape of one example, channels last",
                "add `input: 32x32x3`",
                given.location() if given is not None else self._first(),
            )
        if "input" not in fields:
            return None
        try:
            return Spec.model_validate(fields)
        except ValidationError as error:
            for fault in faults_of(error, Spec, "a spec"):
                section, *inner = fault.field
                place = LayerPlace(self.node, str(section))
                self.report(
                    fault.rule,
                    fault.message,
                    fault.help,
                    place.find(tuple(inner))
                    if not self._value_at(str(section), inner)
                    else self._value_at(str(section), inner),
                )
                fields.pop(str(section), None)
            return Spec.model_validate(fields) if "input" in fields else None

    def _value_at(self, section: str, inner: list[str | int]) -> Location | None:
        node = self.top[section]
        for part in inner:
            if isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
        return node.location()

    def _first(self) -> Location | None:
        """The first key of the document, to point at where one is missing."""
        key = next(iter(self.top), None)
        return self.node.key_location(key) if key is not None else self.node.location()
