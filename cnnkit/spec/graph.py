"""A spec as one graph of primitive operations with their shapes.

``trace`` runs a spec's layers once, as functions of tensors. What comes out is all that the
analysis and the Flax model need: the operations in order, each with its inputs, its shape and
its effect; and the groups, one a layer as written, that say which operations belong together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnkit.errors import Finding, Location, did_you_mean
from cnnkit.layers.base import Effect, Layer, Tensor, numbered
from cnnkit.layers.block import Block, Unreadable
from cnnkit.layers.field import Rounding
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape
from cnnkit.spec.language.place import ends, in_pass

INPUT = -1
"""The node index of the network's input."""

# A network of this many operations would take longer than a person waits; real ones have
# a few thousand.
MAX_OPERATIONS = 100_000
# Axes above this have no meaning, and keep products of a few of them small enough to print.
MAX_EXTENT = 10**40
# Layers nested deeper than this would exhaust Python's stack.
MAX_DEPTH = 60

_MAX_SHOWN = 20

UNKNOWN = Effect(output=None)

# Effects by the class and the fields of a layer and the shapes that it is given. The specs of a
# folder have many layers in common.
_EFFECTS: dict[tuple[object, ...], list[Effect]] = {}
_MOST_EFFECTS = 10_000


class Node(NamedTuple):
    """One primitive operation.

    Attributes:
        layer: What it does.
        path: Its place in the network, the path of its parameters.
        inputs: The nodes it reads, ``INPUT`` for the network's input.
        effect: What it does to the shapes of its inputs.
        side: Whether it belongs to a side output, used in training only.
    """

    layer: Layer
    path: str
    inputs: tuple[int, ...]
    effect: Effect
    side: bool = False

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
        input: The shape of one example.
        nodes: The operations, in an order in which they can be run.
        root: The layers as written.
        sides: The node of each side output, and the weight of its loss.
        findings: What is wrong with it.
    """

    input: Shape
    nodes: tuple[Node, ...]
    root: Group
    sides: tuple[tuple[int, float], ...]
    findings: tuple[Finding, ...]

    @property
    def output(self) -> Shape | None:
        """The shape that the network gives."""
        return self.root.output

    def shape(self, node: int) -> Shape | None:
        """The shape that a node gives, ``INPUT`` being the network's input."""
        return self.input if node == INPUT else self.nodes[node].output


class TooLargeError(Exception):
    """The network has more operations than the limit; caught by whoever traces."""


def trace(layers: Sequence[Layer], input_shape: Shape, rounding: Rounding = "exact") -> Graph:
    """The graph of layers applied to an input of a shape, channels last."""
    tracer = _Tracer(input_shape, rounding)
    root = tracer.stack[0]
    try:
        x = tracer.sequence("layers", layers, Tensor(INPUT, input_shape))
    except TooLargeError:  # what there is of it has no end, so nothing of it is shown
        empty = Group(None, root.kind, "", "", 0, input=input_shape)
        return Graph(input_shape, (), empty, (), tuple(tracer.findings.values()))
    root.stop, root.output, root.tensor = len(tracer.nodes), x.shape, x.node
    return Graph(
        input_shape, tuple(tracer.nodes), root, tuple(tracer.sides), tuple(tracer.findings.values())
    )


def under_construction(input_shape: Shape, rounding: Rounding) -> _Tracer:
    """A network without layers yet, for whoever traces them one by one."""
    return _Tracer(input_shape, rounding)


class _Tracer:
    """The network under construction; see ``cnnkit.layers.base.Trace``."""

    def __init__(self, input_shape: Shape, rounding: Rounding) -> None:
        self.rounding = rounding
        self.nodes: list[Node] = []
        self.sides: list[tuple[int, float]] = []
        self.findings: dict[tuple[object, ...], Finding] = {}
        self.stack = [Group(None, "network", "", "", 0, input=input_shape)]
        self.scopes: list[dict[str, Tensor]] = []
        if len(_EFFECTS) > _MOST_EFFECTS:
            _EFFECTS.clear()
        self.rounded: dict[int, tuple[Layer, Layer]] = {}
        self.in_side = 0
        self.groups = 0

    def add(self, layer: Layer, *inputs: Tensor, label: str = "") -> Tensor:
        number = len(self.nodes)
        self._check_size(number)
        group = self.stack[-1]
        shapes = [tensor.shape for tensor in inputs if tensor.shape is not None]
        if self.rounding != "exact":
            layer = self._with_rounding(layer)
        effect = self._effect(layer, shapes) if len(shapes) == len(inputs) else UNKNOWN
        for problem in effect.problems:
            self.problem(problem)
        path = f"{group.path}.{label}" if label else group.path
        nodes = tuple([tensor.node for tensor in inputs])
        self.nodes.append(Node(layer, path, nodes, effect, self.in_side > 0))
        return Tensor(number, effect.output)

    def _check_size(self, count: int) -> None:
        if count >= MAX_OPERATIONS:
            self.problem(
                Problem(
                    "too-large",
                    f"the network has more than {MAX_OPERATIONS:,} operations",
                    "a `repeat` or a block used by blocks multiplies layers: lower its `times`",
                )
            )
            raise TooLargeError

    def _count_group(self) -> None:
        """Also layers and copies that hold nothing take time: they are bounded as well."""
        self.groups += 1
        self._check_size(self.groups)

    def _effect(self, layer: Layer, shapes: list[Shape]) -> Effect:
        """The effect, computed once for all layers that say the same of the same shape."""
        # A list, so that the hash of the fields, which takes a while, is computed once.
        known = _EFFECTS.setdefault((type(layer), *vars(layer).values(), *shapes), [])
        if known:
            return known[0]
        effect = layer.effect(*shapes)
        if effect.output and max(effect.output) > MAX_EXTENT:
            problem = Problem(
                "too-large",
                "an axis of the output is larger than 10^40",
                "check the factors and sizes of this layer and the ones before it",
            )
            effect = Effect(None, problems=(problem,))
        known.append(effect)
        return effect

    def _with_rounding(self, layer: Layer) -> Layer:
        """The layer, with the spec's rounding where it leaves its own out."""
        if vars(layer).get("rounding", "") is not None:
            return layer
        if id(layer) not in self.rounded:
            copy = layer.model_copy(update={"rounding": self.rounding})
            self.rounded[id(layer)] = (layer, copy)  # keeps the original, and so its id, alive
        return self.rounded[id(layer)][1]

    def layer(self, layer: Layer, x: Tensor, label: str) -> Tensor:
        self._count_group()
        above = self.stack[-1]
        path = f"{above.path}.{label}" if above.path else label
        group = Group(layer, layer.title, label, path, len(self.nodes), input=x.shape)
        above.children.append(group)
        self.stack.append(group)
        too_deep = len(self.stack) > MAX_DEPTH + 1  # the network itself is on the stack
        if too_deep and not isinstance(layer, Unreadable):
            message = f"layers are nested more than {MAX_DEPTH} deep"
            self.problem(Problem("too-large", message, "nest fewer"))
            y = Tensor(x.node, None)
        else:
            y = layer.trace(self, x)
        group.stop, group.output, group.tensor = len(self.nodes), y.shape, y.node
        self.stack.pop()
        return y

    def sequence(self, label: str, layers: Sequence[Layer], x: Tensor) -> Tensor:
        self.scopes.append({})
        for index, layer in numbered(layers):
            x = self.layer(layer, x, f"{label}.{layer.segment(index)}")
        self.scopes.pop()
        return x

    def side(self, layers: Sequence[Layer], x: Tensor, loss_weight: float) -> None:
        self.in_side += 1
        y = self.sequence("layers", layers, x)
        self.in_side -= 1
        self.sides.append((y.node, loss_weight))

    def copy(self) -> None:
        self._count_group()
        group = self.stack[-1]
        group.copies.append(len(group.children))

    def save(self, name: str, x: Tensor) -> None:
        self.scopes[-1][name] = x

    def saved(self, name: str, field: tuple[str | int, ...]) -> Tensor | None:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        known = list(dict.fromkeys(name for scope in self.scopes for name in scope))
        near = did_you_mean(name, known)
        if near:
            advice = f"did you mean `{near}`?"
        elif known:
            more = ", …" if len(known) > _MAX_SHOWN else ""
            shown = ", ".join(f"`{each}`" for each in known[:_MAX_SHOWN])
            advice = f"saved here are {shown}{more}"
        else:
            advice = (
                f"put `- save: {name}` where the tensor is made, before this layer and not inside "
                "another branch or block"
            )
        message = f"no tensor is saved as `{name}` here"
        self.problem(Problem("unknown-name", message, advice, field))
        return None

    def problem(self, problem: Problem) -> None:
        location = None
        for group in reversed(self.stack):
            place = group.layer.place if group.layer else None
            if place is not None:
                location = place.find(problem.field)
                break
        used_at = [
            group.location for group in reversed(self.stack) if isinstance(group.layer, Block)
        ]
        path = self.stack[-1].path or None
        # The copies of a repeat share a line: the first of them speaks for all.
        key = (problem.rule, problem.message, location or path)
        if key in self.findings:
            return
        repeats = [group for group in self.stack if group.layer is not None and group.copies]
        if problem.rule == "too-large":  # which is of the network, wherever it shows
            repeats = []
        passes = [(len(group.copies), vars(group.layer)["times"]) for group in repeats]
        self.findings[key] = Finding(
            problem.rule,
            problem.level,
            problem.message + in_pass(passes),
            problem.help,
            location,
            path,
            ends([use for use in used_at if use]),
        )
