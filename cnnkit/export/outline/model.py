"""What an outline is made of: operations, statements, bodies and definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cnnkit.errors import Finding
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Expression:
    """How a target writes one node.

    Attributes:
        calls: Expressions applied one after the other; ``{0}``, ``{1}`` … are their inputs, the
            result of the one before for all but the first, and ``{layer}`` the layer.
        build: What makes the layer, where it has weights or a mode.
    """

    calls: tuple[str, ...]
    build: str | None = None


class InexpressibleError(Exception):
    """A target has no words for a layer; caught where bodies are made, and reported at its line."""

    def __init__(self, message: str, advice: str, field: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.advice = advice
        self.field = field


Write = Callable[[Node, tuple[Shape, ...]], Expression]
"""What a target brings: how it writes a node that reads tensors of these shapes."""


@dataclass(frozen=True, slots=True)
class Run:
    """The same body, ``times`` times one after the other; ``counted`` where a repeat says so."""

    body: Body
    times: int
    counted: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: an operation, or bodies that are called.

    Attributes:
        path: The layer's path below the body's.
        label: What the layer is best called.
        inputs: The nodes whose values it reads.
        output: The node whose value it gives.
        shape: The shape of that.
        hint: What the value is best called, where something can be said.
        operation: How it is written.
        runs: The bodies that are called, instead.
        first: The number of the first of these bodies among the copies of a repeat.
        below: What leads from the path to one of these bodies, where it is a layer of its own.
        side: Whether it is part of a side output.
        reuses: The node that the step gives whose layer is called once more, if it is.
    """

    path: str
    label: str
    inputs: tuple[int, ...]
    output: int
    shape: Shape
    hint: str
    operation: Expression | None = None
    runs: tuple[Run, ...] = ()
    first: int = 0
    below: str = ""
    side: bool = False
    reuses: int | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of its operation."""
        if self.operation is None:
            return ()
        return (self.operation.build or "", *self.operation.calls)


@dataclass(eq=False, slots=True)
class Body:
    """A network or a part of it that reads one tensor and gives one.

    Attributes:
        title: What it is called in the spec.
        path: The path of its group.
        input: The node whose value it reads.
        output: The node whose value it gives.
        shapes: The shapes of both.
        steps: Its statements.
        key: What bodies that differ in their values alone have in common.
        values: The raw values, down to the innermost body.
    """

    title: str
    path: str
    input: int
    output: int
    shapes: tuple[Shape, Shape]
    steps: tuple[Statement, ...]
    key: int = -1
    values: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class Definition:
    """A class or function: all bodies of one key.

    Attributes:
        name: Its name.
        bodies: The bodies, in the order of the network.
        arguments: The name of each argument, with its values, one for each body.
        columns: The argument of each hole, in order; None for one that is written out.
    """

    name: str
    bodies: list[Body]
    arguments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    columns: list[str | None] = field(default_factory=list)

    @property
    def body(self) -> Body:
        """The first of its bodies."""
        return self.bodies[0]


@dataclass(frozen=True, slots=True)
class Outline:
    """All that a target's file is written from.

    Attributes:
        graph: The network.
        root: The network as a body; its definition is the last.
        definitions: The definitions, each before those that use it.
        findings: What the target cannot say.
    """

    graph: Graph
    root: Body
    definitions: tuple[Definition, ...]
    findings: tuple[Finding, ...]

    def definition(self, body: Body) -> Definition:
        """The definition of a body."""
        return next(each for each in self.definitions if body in each.bodies)
