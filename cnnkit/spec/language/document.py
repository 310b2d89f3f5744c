"""The whole document: from its top node to a ``Spec``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError

from cnnkit.errors import Finding, Location
from cnnkit.layers import KINDS, layer_class
from cnnkit.layers.base import Layer
from cnnkit.layers.field import Rounding
from cnnkit.layers.shape import Shape
from cnnkit.spec.language.blocks import NAME, read_blocks
from cnnkit.spec.language.expansion import Expander
from cnnkit.spec.language.faults import Fault, faults_of, field_names, shown, unknown_field
from cnnkit.spec.language.names import kind_advice
from cnnkit.spec.language.place import inmost
from cnnkit.spec.language.reader import Faulty, what
from cnnkit.spec.language.variables import read_variables
from cnnkit.spec.model.section import Section
from cnnkit.spec.model.spec import SECTIONS, Spec, known_shape
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.scalars import shortened

FORMAT: Final = 1
# The sections that are mappings, and what one may hold.
_EXAMPLES: Final = {
    "expect": "{parameters: 5100}",
    "budget": "{parameters: 10k}",
    "rules": "{ignore: [large-dense]}",
    "train": "{data: digits}",
    "search": "{variables.width: [8, 16]}",
}


def read_document(node: YamlNode, *, whole: bool = True) -> tuple[Spec | None, list[Finding]]:
    """The spec of a document and the faults of its text; no spec where it has no input.

    Where a part of it could not be read, it is not ``whole``: nothing is said to be missing.
    """
    document = _Document(node, whole=whole)
    return document.spec(), document.reader.findings


class _Document:
    def __init__(self, node: YamlNode, *, whole: bool) -> None:
        self.node = node
        self.whole = whole
        self.top: Mapping[str, YamlNode] = node.value if isinstance(node.value, dict) else {}
        self.reader = Expander()
        self.report = self.reader.report

    def spec(self) -> Spec | None:
        """Reads each section; a fault in one does not keep the others from being read."""
        if not isinstance(self.node.value, dict):
            self.report(
                "wrong-type",
                f"a spec is a mapping with `input:` and `layers:`, this is {what(self.node)}",
                "start from `input: 32x32x3` and `layers:`",
                self.node.location(),
            )
            return None
        self._keys()
        reader = self.reader
        reader.variables = read_variables(reader, self.top.get("variables"))
        reader.blocks = read_blocks(reader, self.top.get("blocks"))
        reader.defaults = self._defaults()
        fields: dict[str, Any] = {}
        for section in ("name", "about", "input", "rounding"):
            self._section(section, fields)
        for section, example in _EXAMPLES.items():
            if reader.mapping(self.top.get(section), section, example):
                self._section(section, fields)
        if (named := self._named_inputs()) is not None:
            self._inputs(named, fields)
        fields["layers"] = self._layers(fields)
        spec = self._validated(fields)
        if spec is not None and spec.train is not None:
            if len(spec.inputs) < 2:  # of several the rule `not-trainable` tells
                for fault in spec.train.misfits(spec.input):
                    self._fault(fault, self.top["train"])
            if spec.search is not None:
                for fault in spec.search.misfits(spec.train):
                    self._fault(fault, self.top["search"])
        return spec

    def _keys(self) -> None:
        """Reports sections that are unknown, and a version of the format that is."""
        for key in self.top:
            if key not in SECTIONS:
                fault = unknown_field(key, SECTIONS, "a spec")
                advice = fault.help
                if key in KINDS:
                    advice = f"`{key}` is a kind of layer: it belongs into the list `layers:`"
                elif key in _fields_of_training():
                    advice = f"`{key}` belongs into `train:`"
                message = f"a spec has no section `{shortened(key)}`"
                self.report(fault.rule, message, advice, self.node.key_location(key))
        version = self.top.get("cnnkit")
        read = (type(None), None), (int, FORMAT)
        if version is not None and (type(version.value), version.value) not in read:
            self.report(
                "wrong-value",
                f"`cnnkit` is {shown(version.plain())}: this version reads format {FORMAT}",
                f"write `cnnkit: {FORMAT}` or leave it out; a newer format needs a newer cnnkit",
                version.location(),
            )

    def _defaults(self) -> dict[str, Mapping[str, YamlNode]]:
        section = self.top.get("defaults")
        found: dict[str, Mapping[str, YamlNode]] = {}
        for kind, node in self.reader.mapping(section, "defaults", "{conv: {bias: false}}").items():
            if kind in KINDS and kind not in self.reader.blocks:
                found[kind] = self._default_fields(kind, node)
                continue
            advice = kind_advice(kind)
            if kind in self.reader.blocks:
                advice = "a block has its defaults in its `arguments`"
            at = section.key_location(kind) if section is not None else None
            self.report("unknown-kind", f"there is no kind `{kind}`", advice, at)
        return found

    def _default_fields(self, kind: str, node: YamlNode) -> Mapping[str, YamlNode]:
        if not isinstance(node.value, dict):
            message = f"`defaults` of `{kind}` are {what(node)}, not a mapping of its fields"
            advice = f"write `{kind}: {{field: value}}`"
            self.report("wrong-type", message, advice, node.location())
            return {}
        cls = layer_class(kind)
        known = field_names(cls)
        for field in node.value:
            if field not in known:
                fault = unknown_field(field, known, kind, cls.field_aliases)
                self.report(fault.rule, fault.message, fault.help, node.key_location(field))
        return {field: value for field, value in node.value.items() if field in known}

    def _section(self, section: str, fields: dict[str, Any]) -> None:
        """Reads a section; one that is empty or has a fault is left out."""
        node = self.top.get(section)
        if node is None:
            return
        if section == "search":
            from cnnkit.spec.language.search import read_search  # few specs have this section

            fields |= {
                section: read_search(
                    self.reader, self.node, node, lambda document: read_document(document)[1]
                )
            }
            return
        try:
            # Some fields of `train:` say by null that there is none of something.
            value = self.reader.something(node, self.reader.variables, deep=section != "train")
        except Faulty:
            return
        model = _model(section)
        if value is None or model is None:
            fields |= {} if value is None else {section: value}
            return
        try:
            fields[section] = model.model_validate(value)
        except ValidationError as error:
            for fault in faults_of(error, model, section):
                self._fault(fault, node)

    def _named_inputs(self) -> YamlNode | None:
        """The section `inputs:`; None where it is left out or empty."""
        node = self.top.get("inputs")
        return node if node is not None and node.value is not None else None

    def _inputs(self, section: YamlNode, fields: dict[str, Any]) -> None:
        """Reads the inputs by name; where one has a fault there is no telling the network."""
        alone = self.top.get("input")
        if alone is not None and alone.value is not None:
            message = "a spec has `input` or `inputs`, not both"
            advice = "give the one shape a name among `inputs`, or leave `inputs` out"
            self.report("wrong-value", message, advice, self.node.key_location("inputs"))
            return
        example = "{image: 224x224x3, depth: 224x224x1}"
        given = self.reader.mapping(section, "inputs", example)
        if section.value == {}:
            message = "`inputs` is empty: the network has nothing to begin with"
            self.report("wrong-value", message, f"write `inputs: {example}`", section.location())
        read = {name: self._shape(name, node, section) for name, node in given.items()}
        if read and None not in read.values():
            fields["inputs"] = read

    def _shape(self, name: str, node: YamlNode, section: YamlNode) -> Shape | None:
        """The shape of one input; None where it has a fault, which is reported."""
        if not NAME.fullmatch(name):
            message = f"an input cannot be named `{name}`"
            advice = "use a letter, then letters, digits, _ and -"
            self.report("wrong-value", message, advice, section.key_location(name))
            return None
        try:
            value = self.reader.something(node, self.reader.variables, deep=True)
        except Faulty:
            return None
        try:
            return Spec.model_validate({"input": value, "layers": ()}).input
        except ValidationError as error:
            for fault in faults_of(error, Spec, "a spec"):
                message = fault.message.replace("`input", f"`{name}", 1)
                at = inmost(node, fault.field[1:]).location()
                self.report(fault.rule, message, fault.help, at)
        return None

    def _fault(self, fault: Fault, node: YamlNode) -> None:
        """Adds a finding about a field below a node, at its key where that is at fault."""
        at = inmost(node, fault.field).location()
        if fault.on_key:
            *above, key = fault.field
            at = inmost(node, above).key_location(str(key)) or at
        self.report(fault.rule, fault.message, fault.help, at)

    def _layers(self, fields: Mapping[str, Any]) -> tuple[Layer, ...]:
        node = self.top.get("layers")
        example = "each layer after a dash: `- conv: {filters: 8, kernel: 3}`"
        if node is None:
            message = "a spec needs `layers`: the layers, first to last"
            if self.whole:
                self.report("missing-field", message, f"add `layers:` and {example}", self._first())
            return ()
        if node.value == []:
            message = "`layers` is empty: the network gives its input as it is"
            self.report("no-layers", message, f"write {example}", node.location(), "warning")
        rounding = fields.get("rounding")
        known: Rounding = rounding if rounding in get_args(Rounding) else "exact"  # type: ignore[assignment]
        inputs = fields.get("inputs") or known_shape(fields.get("input"))
        return self.reader.layers(node, inputs, known)

    def _validated(self, fields: dict[str, Any]) -> Spec | None:
        given = self._named_inputs() or self.top.get("input")
        if (given is None and self.whole) or (given is not None and given.value is None):
            self.report(
                "missing-field",
                "a spec needs `input`: the shape of one example, channels last",
                "add `input: 32x32x3`",
                given.location() if given is not None else self._first(),
            )
        if "input" not in fields and "inputs" not in fields:
            return None
        try:
            return Spec.model_validate(fields)
        except ValidationError as error:
            for fault in faults_of(error, Spec, "a spec"):
                section, *inner = fault.field
                at = inmost(self.top[str(section)], inner).location()
                self.report(fault.rule, fault.message, fault.help, at)
                del fields[str(section)]
        return Spec.model_validate(fields) if "input" in fields else None

    def _first(self) -> Location | None:
        """The first key of the document, to point at where one is missing."""
        key = next(iter(self.node.keys), None)
        return self.node.key_location(key) if key is not None else self.node.location()


def _fields_of_training() -> list[str]:
    from cnnkit.spec.model.training import Train

    return field_names(Train)


def _model(section: str) -> type[Section] | None:
    """The model of a section, loaded where it is there."""
    if section == "train":
        from cnnkit.spec.model.training import Train

        return Train
    return Spec.sections.get(section)
