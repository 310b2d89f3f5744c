"""A call in a traced module: what is called, with arguments by their names, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators import OPERATORS
from cnnkit.importing.operators.traced import TracedNode
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Builder, Made, Value


@dataclass(frozen=True)
class Call:
    """A call of one of ATen's operators.

    Attributes:
        name: The operator, without its overload: ``conv2d``.
        label: What messages call it.
        scope: The names of the modules that it is in, joined by ``/``.
        arguments: By the names of its schema, tensors as views or arrays.
        build: The graph that is built.
    """

    name: str
    label: str
    scope: str
    arguments: Mapping[str, Any]
    build: Builder

    def __getitem__(self, name: str) -> Any:
        """An argument, or None where the schema has none of that name."""
        return self.arguments.get(name)

    @property
    def first(self) -> View:
        """The tensor that it works on.

        Raises:
            RefusedError: It is a constant.
        """
        value = next(iter(self.arguments.values()))
        if not isinstance(value, View):
            raise RefusedError("it reads a constant where a tensor of the network belongs")
        return value

    @property
    def rank(self) -> int:
        """How many spatial axes the tensor has that it works on."""
        return len(self.first.axes) - 1

    def node(self, operator: str, outputs: int = 1, **attributes: Any) -> TracedNode:
        """This call under another name."""
        return TracedNode(operator, self.label, self.scope, attributes, outputs)

    def onnx(
        self, operator: str, *given: Value | None, outputs: int = 1, **attributes: Any
    ) -> Made:
        """What one of ONNX's operators gives."""
        return OPERATORS[operator](self.node(operator, outputs, **attributes), self.build, given)

    def made(self, kind: str, fields: Mapping[str, Any] | None = None) -> View:
        """One of our layers, which has no weights, of the tensor with its channels last."""
        node = self.node(self.name)
        source = self.build.channels(node, self.first)
        return self.build.made(node, kind, source, fields=dict(fields or {}))

    def each(self, name: str, rank: int, default: int = 1) -> list[int]:
        """An argument that gives one number for all axes, or one for each."""
        value = self[name]
        numbers = [value] if isinstance(value, int) else list(value or [default])
        return [int(n) for n in (numbers * rank if len(numbers) == 1 else numbers)]
