"""A spec as one graph of primitive operations with their shapes.

It is all that the analysis and the Flax model need: the operations in order, each with its inputs,
its shape and its effect; and the groups, one a layer as written, that say which operations belong
together. ``cnnkit.spec.tracing`` makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cnnkit.errors import Finding, Location
from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.shape import Shape

INPUT = -1
"""The node index of the network's input; of several the first, and the others are -2, -3, …"""

ONLY = "output"
"""What the one output is called where no layer names one."""


class Node(NamedTuple):
    """One primitive operation.

    Attributes:
        layer: What it does.
        path: Its place in the network, the path of its parameters.
        inputs: The nodes it reads, ``INPUT`` for the network's input.
        effect: What it does to the shapes of its inputs; inside an ``each``, for all slices.
        side: Whether it belongs to a side output, used in training only.
        shares: The node whose weights it uses, where it has none of its own.
        head: Whether it belongs to a head, of a side output or of the result.
        slices: The extents of the axes that it is applied along, inside an ``each``.
        inner: What it does to one of these slices, which is an example of the batch where it runs.
    """

    layer: Layer
    path: str
    inputs: tuple[int, ...]
    effect: Effect
    side: bool = False
    shares: int | None = None
    head: bool = False
    slices: Shape = ()
    inner: Effect | None = None

    @property
    def output(self) -> Shape | None:
        """The shape that goes out."""
        return self.effect.output


@dataclass(slots=True)
class Group:
    """A layer as written, and the nodes ``start`` up to ``stop`` that it stands for.

    Attributes:
        layer: The layer; None for the network as a whole.
        kind: What the report calls it.
        label: Its name inside the group above.
        path: Its whole path.
        start: The first of its nodes.
        stop: One past the last of them.
        input: The shape that comes in, where known.
        output: The shape that goes out, where known.
        tensor: The node whose output goes on.
        children: The layers inside, in order.
        copies: Where the copies of a repeat begin among the children.
        source: Of a layer that is applied once more, where it has its weights.
    """

    layer: Layer | None
    kind: str
    label: str
    path: str
    start: int
    stop: int = 0
    input: Shape | None = None
    output: Shape | None = None
    tensor: int = INPUT
    children: list[Group] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)
    source: Group | None = None

    @property
    def location(self) -> Location | None:
        """Where the layer stands in its source."""
        place = self.layer.place if self.layer else None
        return place.find(()) if place else None

    def walk(self) -> Iterator[Group]:
        """This group and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Graph:
    """A traced network.

    Attributes:
        inputs: The shape of one example, of each input by its name.
        nodes: The operations, in an order in which they can be run.
        root: The layers as written.
        sides: The node of each side output, and the weight of its loss.
        findings: What is wrong with it.
        outputs: The node of each output by its name; the first is the root's tensor.
    """

    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    root: Group
    sides: tuple[tuple[int, float], ...]
    findings: tuple[Finding, ...]
    outputs: Mapping[str, int]

    @property
    def input(self) -> Shape:
        """The shape of one example of the first input, which the stack begins with."""
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> Shape | None:
        """The shape that the network gives; of several outputs the first one's."""
        return self.root.output

    @property
    def as_run(self) -> Graph:
        """The same graph, each operation inside an ``each`` with its effect on one slice."""
        if not any(node.inner for node in self.nodes):
            return self
        nodes = (
            node._replace(effect=node.inner, slices=()) if node.inner else node
            for node in self.nodes
        )
        return replace(self, nodes=tuple(nodes))

    @property
    def given(self) -> Mapping[str, Shape | None]:
        """The shape of each output by its name."""
        return {name: self.shape(node) for name, node in self.outputs.items()}

    @property
    def several(self) -> str:
        """What of it there is more than one of, in words; empty where it is one of each."""
        parts = [
            f"the {noun} {', '.join(f'`{name}`' for name in names)}"
            for noun, names in (("inputs", self.inputs), ("outputs", self.outputs))
            if len(names) > 1
        ]
        return " and ".join(parts)

    def shape(self, node: int) -> Shape | None:
        """The shape that a node gives, ``INPUT`` being the network's first input."""
        if node > INPUT:
            return self.nodes[node].output
        return self.input if node == INPUT else [*self.inputs.values()][INPUT - node]
