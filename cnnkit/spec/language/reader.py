"""What all readers of a text share: values with their expressions put in, and the findings.

Faults are collected, never raised to a caller outside, so that one run shows all of a file's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnkit.errors import Finding, Level, Location
from cnnkit.spec.language.faults import Fault, shown
from cnnkit.spec.language.place import LayerPlace, ends, in_pass, inside
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.scalars import shortened

if TYPE_CHECKING:
    from cnnkit.spec.language.value import Value

Scope = Mapping[str, Any]
"""The variables that an expression sees, each a ``Value`` or a ``LayerArgument``."""


class Faulty(Exception):  # noqa: N818 - control flow inside this room, never seen outside
    """The value being read has a fault, which is already among the findings."""


@dataclass(frozen=True, eq=False)
class LayerArgument:
    """Layers that are given to a block as an argument.

    Attributes:
        name: The argument's.
        node: One layer, or a list of them.
        scope: The names that they see: those of the place where they are written.
        uses: The blocks in which that place is.
    """

    name: str
    node: YamlNode
    scope: Scope
    uses: tuple[tuple[str, LayerPlace], ...]

    @property
    def listed(self) -> YamlNode:
        """The list of the layers."""
        return self.node if isinstance(self.node.value, list) else self.node.with_value([self.node])


class Reader:
    """Reads values, and collects what is wrong with them.

    Attributes:
        trail: The path of the layer that is being read, part by part.
        uses: The blocks that it stands in, outermost first, and where each is used.
        passes: Of the repeats that it stands in, outermost first, which pass of how many.
    """

    def __init__(self) -> None:
        self.trail: list[str] = []
        self.uses: list[tuple[str, LayerPlace]] = []
        self.passes: list[tuple[int, int]] = []
        self._findings: dict[tuple[object, ...], Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        """What is wrong, in the order in which it was found."""
        return list(self._findings.values())

    def report(
        self,
        rule: str,
        message: str,
        advice: str | None,
        location: Location | None,
        level: Level = "error",
    ) -> None:
        """Adds a finding at the layer that is being read."""
        path = ".".join(self.trail) or None
        # A line inside a block is read at each of its uses: the first of them speaks for all.
        key = (rule, message, location or path)
        if key not in self._findings:
            used_at = [at for _, place in reversed(self.uses) if (at := place.find(()))]
            message += in_pass(self.passes)
            self._findings[key] = Finding(
                rule, level, message, advice, location, path, ends(used_at)
            )

    def fault(self, fault: Fault, place: LayerPlace) -> None:
        """Adds a finding about a field of a layer."""
        at = place.find_key(str(fault.field[0])) if fault.on_key else place.find(fault.field)
        self.report(fault.rule, fault.message, fault.help, at)

    def mapping(self, node: YamlNode | None, name: str, example: str) -> Mapping[str, YamlNode]:
        """The entries of a mapping that may be left out; empty where it is none."""
        if node is None or node.value is None:
            return {}
        if isinstance(node.value, dict):
            return node.value
        message = f"`{name}` is {what(node)}, not a mapping"
        self.report("wrong-type", message, f"write `{name}: {example}`", node.location())
        return {}

    def value(self, node: YamlNode, scope: Scope) -> Any:
        """The plain value of a node, expressions evaluated.

        Raises:
            Faulty: An expression in it is wrong.
        """
        value = node.value
        if isinstance(value, str):
            return self.text(node, value, scope) if "$" in value else value
        if isinstance(value, list):
            return [self.value(item, scope) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item, scope) for key, item in value.items()}
        return value

    def something(self, node: YamlNode, scope: Scope, *, deep: bool) -> Any:
        """As ``value``, where an expression that gives null says nothing at all.

        Raises:
            Faulty: An expression is wrong, or gives null: of a value inside only if ``deep``.
        """
        value = self.value(node, scope)
        for at, each in _parts(node, value) if deep else [(node, value)]:
            if each is None and at.value is not None:
                message = f"`{shortened(str(at.value))}` gives null, which says nothing here"
                advice = "let the expression give a value, or leave the key out"
                self.report("wrong-value", message, advice, at.location())
                raise Faulty
        return value

    def text(self, node: YamlNode, text: str, scope: Scope) -> Value:
        """The value of a string that holds expressions; a whole float as an integer.

        Raises:
            Faulty: One of them is wrong.
        """
        value = self.evaluated(node, text, scope)
        if isinstance(value, LayerArgument):
            self.report(
                "wrong-type",
                f"the argument `{value.name}` holds layers, which are no value",
                f"they stand where layers do: `- ${value.name}`, or `layers: ${value.name}`",
                node.location(),
            )
            raise Faulty
        return value

    def evaluated(self, node: YamlNode, text: str, scope: Scope) -> Value | LayerArgument:
        """As ``text``, also where the value is an argument that holds layers.

        Raises:
            Faulty: One of the expressions is wrong.
        """
        from cnnkit.spec.language.expression import evaluate
        from cnnkit.spec.language.value import ExpressionError

        try:
            value = evaluate(text, scope)
        except ExpressionError as error:
            at = inside(node, error.offset)
            self.report("invalid-expression", error.message, error.help, at)
            raise Faulty from None
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _parts(node: YamlNode, value: Any) -> Iterator[tuple[YamlNode, Any]]:
    """A node and all below it, each with its value."""
    yield node, value
    if isinstance(node.value, list):
        for item, each in zip(node.value, value, strict=True):
            yield from _parts(item, each)
    elif isinstance(node.value, dict):
        for key, item in node.value.items():
            yield from _parts(item, value[key])


def what(node: YamlNode) -> str:
    """What a node is, in words."""
    if isinstance(node.value, list):
        return "a list"
    if isinstance(node.value, dict):
        return "a mapping"
    return "nothing" if node.value is None else shown(node.value)
