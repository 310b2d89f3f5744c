"""The layers of a spec run once, as functions of tensors: the graph that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cnnkit.errors import Finding, did_you_mean
from cnnkit.layers.base import Effect, Layer, Tensor, numbered
from cnnkit.layers.block import Block, UnreadableLayer
from cnnkit.layers.field import Rounding
from cnnkit.layers.learner import Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.slices import of_slices
from cnnkit.spec.graph import INPUT, ONLY, Graph, Group, Node
from cnnkit.spec.language.place import ends, in_pass

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


class Traceable(Protocol):
    """What of a spec its graph follows from."""

    @property
    def layers(self) -> Sequence[Layer]:
        """The layers, first to last."""

    @property
    def input(self) -> Shape:
        """The shape of the input, of several of the first."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """The shapes of several inputs by their names; empty where there is one."""

    @property
    def rounding(self) -> Rounding:
        """What becomes of sizes that are not whole."""


class TooLargeError(Exception):
    """The network has more operations than the limit; caught by whoever traces."""


def trace(
    layers: Sequence[Layer], inputs: Shape | Mapping[str, Shape], rounding: Rounding = "exact"
) -> Graph:
    """The graph of layers applied to an input of a shape, channels last, or to several by name."""
    named = inputs if isinstance(inputs, Mapping) else {"input": inputs}
    tracer = under_construction(inputs, rounding)
    root = tracer.stack[0]
    first = Tensor(INPUT, root.input)
    try:
        last = tracer.sequence("layers", layers, first)
    except TooLargeError:  # what there is of it has no end, so nothing of it is shown
        empty = Group(None, root.kind, "", "", 0, input=first.shape)
        findings = tuple(tracer.findings.values())
        return Graph(named, (), empty, (), findings, {ONLY: empty.tensor})
    outputs = tracer.outputs or {ONLY: last}
    ends = (*outputs.values(), last)
    root.stop, root.tensor = len(tracer.nodes), ends[0].node
    root.output = ends[0].shape if all(end.shape for end in ends) else None
    return Graph(
        named,
        tuple(tracer.nodes),
        root,
        tuple(tracer.sides),
        tuple(tracer.findings.values()),
        {name: end.node for name, end in outputs.items()},
    )


def graph_of(spec: Traceable) -> Graph:
    """The graph of a spec."""
    return trace(spec.layers, spec.inputs or spec.input, spec.rounding)


def under_construction(inputs: Shape | Mapping[str, Shape], rounding: Rounding) -> _Tracer:
    """A network without layers yet, for whoever traces them one by one."""
    if not isinstance(inputs, Mapping):
        return _Tracer(Tensor(INPUT, inputs), rounding, {})
    tensors = {name: Tensor(INPUT - i, shape) for i, (name, shape) in enumerate(inputs.items())}
    return _Tracer(next(iter(tensors.values())), rounding, tensors)


class _Tracer:
    """The network under construction; see ``cnnkit.layers.base.Trace``."""

    def __init__(self, first: Tensor, rounding: Rounding, remembered: Mapping[str, Tensor]) -> None:
        self.rounding = rounding
        self.nodes: list[Node] = []
        self.sides: list[tuple[int, float]] = []
        self.findings: dict[tuple[object, ...], Finding] = {}
        self.outputs: dict[str, Tensor] = {}
        self.stack = [Group(None, "network", "", "", 0, input=first.shape)]
        self.scopes: list[dict[str, Tensor]] = [dict(remembered)]
        self.named: list[dict[str, Group]] = []
        # How far the nodes that are made lie behind those whose weights they use.
        self.behind: list[int] = []
        if len(_EFFECTS) > _MOST_EFFECTS:
            _EFFECTS.clear()
        self.rounded: dict[int, tuple[Layer, Layer]] = {}
        self.in_side = self.in_head = 0
        # Of the `each` around the place: the extents of its slices, and the names seen outside it.
        self.along: Shape = ()
        self.outside: list[dict[str, Tensor]] = []
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
        shares = None
        if self.behind and effect.weights:
            shares = self._owner(number - self.behind[-1])
        side = self.in_side > 0
        node = Node(layer, path, nodes, effect, side, shares, side or self.in_head > 0)
        if self.along:
            whole = of_slices(effect, self.along)
            node = node._replace(effect=whole, slices=self.along, inner=effect)
        self.nodes.append(node)
        return Tensor(number, effect.output)

    def _owner(self, number: int) -> int:
        """The node whose weights a node uses: itself, unless it shares another one's."""
        shares = self.nodes[number].shares
        return number if shares is None else shares

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
        if isinstance(layer, Learner):
            effect = layer.kept(effect)
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
        group = Group(layer, layer.title, label, path, len(self.nodes), input=self._whole(x.shape))
        above.children.append(group)
        self.stack.append(group)
        too_deep = len(self.stack) > MAX_DEPTH + 1  # the network itself is on the stack
        if too_deep and not isinstance(layer, UnreadableLayer):
            message = f"layers are nested more than {MAX_DEPTH} deep"
            self.problem(Problem("too-large", message, "nest fewer"))
            y = Tensor(x.node, None)
        else:
            y = layer.trace(self, x)
        group.stop, group.output, group.tensor = len(self.nodes), self._whole(y.shape), y.node
        self.stack.pop()
        if layer.name is not None:
            self.named[-1][layer.name] = group
        return y

    def _whole(self, shape: Shape | None) -> Shape | None:
        """The shape of all slices together, inside an `each`."""
        return shape and (*self.along, *shape)

    def slices(self, layers: Sequence[Layer], x: Tensor, opening: Layer, closing: Layer) -> Tensor:
        apart = self.add(opening, x, label="slices")
        if apart.shape is None:
            return apart
        extent, *one = apart.shape
        around = self.along, self.scopes, self.outside
        self.along, self.scopes = (*self.along, extent), []
        self.outside = [*self.outside, *around[1]]
        # Where it runs the slices lie in the batch from here on.
        node = self.nodes[apart.node]
        inner = node.inner or node.effect
        self.nodes[apart.node] = node._replace(inner=inner._replace(output=tuple(one)))
        y = self.sequence("layers", layers, Tensor(apart.node, tuple(one)))
        self.along, self.scopes, self.outside = around
        if y.shape is None:
            return Tensor(y.node, None)
        together = Tensor(y.node, (extent, *y.shape))
        return self.add(closing, together, label="together")

    def sequence(self, label: str, layers: Sequence[Layer], x: Tensor) -> Tensor:
        self.scopes.append({})
        self.named.append({})
        for index, layer in numbered(layers):
            x = self.layer(layer, x, f"{label}.{layer.segment(index)}")
        self.scopes.pop()
        self.named.pop()
        return x

    def side(self, layers: Sequence[Layer], x: Tensor, loss_weight: float) -> None:
        if self.along:
            message = "a `head` stands inside an `each`, and would be a side output of each slice"
            advice = "put it behind the `each`, where all slices are one tensor"
            self.problem(Problem("wrong-value", message, advice))
            return
        self.in_side += 1
        y = self.sequence("layers", layers, x)
        self.in_side -= 1
        self.sides.append((y.node, loss_weight))

    def head(self, layers: Sequence[Layer], x: Tensor, output: str) -> None:
        self.in_head += 1
        y = self.sequence("layers", layers, x)
        self.in_head -= 1
        self._output(output, y, ("output",))

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
        if any(name in scope for scope in self.outside):
            message = f"`{name}` is saved outside the `each`, whose layers have one slice alone"
            advice = "save it inside, or join both behind the `each`"
            self.problem(Problem("unknown-name", message, advice, field))
            return None
        advice = _offer(name, self.scopes, "saved here are") or (
            f"put `- save: {name}` where the tensor is made, before this layer and not inside "
            "another branch or block"
        )
        message = f"no tensor is saved as `{name}` here"
        self.problem(Problem("unknown-name", message, advice, field))
        return None

    def output(self, name: str, x: Tensor) -> None:
        self._output(name, x, ("tensor",))

    def _output(self, name: str, x: Tensor, field: tuple[str, ...]) -> None:
        if self.in_side:
            message = f"the output `{name}` stands inside a `head`, which only training runs"
            advice = "move it out of the `head`: a side output needs no name"
            self.problem(Problem("wrong-value", message, advice, field))
        elif self.along:
            message = f"the output `{name}` stands inside an `each`, and would be of each slice"
            advice = "put it behind the `each`, where all slices are one tensor"
            self.problem(Problem("wrong-value", message, advice, field))
        elif name in self.outputs:
            message = f"two outputs are named `{name}`"
            advice = "the network gives each output by its name: give each its own"
            self.problem(Problem("duplicate-name", message, advice, field))
        else:
            self.outputs[name] = x

    def shared(self, name: str, x: Tensor) -> Tensor:
        source = next((scope[name] for scope in reversed(self.named) if name in scope), None)
        if source is None or source.layer is None:
            advice = _offer(name, self.named, "the layers with a name here are") or (
                f"write `name: {name}` beside the layer whose weights are meant, before this one "
                "and not inside another branch or block"
            )
            message = f"no layer is named `{name}` here"
            self.problem(Problem("unknown-name", message, advice, ("layer",)))
            return Tensor(x.node, None)
        if len(self.behind) >= MAX_DEPTH:
            message = f"layers that share weights are nested more than {MAX_DEPTH} deep"
            self.problem(Problem("too-large", message, "name the layer that has the weights"))
            return Tensor(x.node, None)
        if source.output is None or x.shape is None:
            return Tensor(x.node, None)
        self.stack[-1].source = source
        start = len(self.nodes)
        self.behind.append(start - source.start)
        y = source.layer.trace(self, x)
        self.behind.pop()
        for number in range(start, len(self.nodes)):
            node = self.nodes[number]
            if node.shares is None or not node.effect.weights:
                continue
            if misfit := _misfit(self.nodes[node.shares], node):
                message = f"the weights of `{name}` do not fit {show(x.shape)}: {misfit}"
                advice = (
                    f"`{name}` has them for {show(source.input or ())}: bring this tensor to as "
                    "many channels, or give it a layer of its own"
                )
                self.problem(Problem("shape-mismatch", message, advice, ("layer",)))
                return Tensor(y.node, None)
            inner = node.inner and node.inner._replace(weights=())
            effect = node.effect._replace(weights=())
            self.nodes[number] = node._replace(effect=effect, inner=inner)
        return y

    def problem(self, problem: Problem) -> None:
        location = None
        for group in reversed(self.stack):
            place = group.layer.place if group.layer else None
            if place is not None:
                location = place.find(problem.field)
                break
        used_at = [
            group.location
            for group in reversed(self.stack)
            if isinstance(group.layer, Block)
            or (group.kind == "shared" and group is not self.stack[-1])
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


def _offer(name: str, scopes: Iterable[Mapping[str, object]], known_here: str) -> str:
    """Which of the names that are known was meant, or which they are; empty without any."""
    known = list(dict.fromkeys(name for scope in scopes for name in scope))
    if near := did_you_mean(name, known):
        return f"did you mean `{near}`?"
    more = ", …" if len(known) > _MAX_SHOWN else ""
    shown = ", ".join(f"`{each}`" for each in known[:_MAX_SHOWN])
    return f"{known_here} {shown}{more}" if known else ""


def _misfit(owner: Node, node: Node) -> str:
    """Why the weights of one node cannot be another's; empty where they can."""
    pairs = zip(owner.effect.weights, node.effect.weights, strict=False)
    if type(owner.layer) is not type(node.layer):  # behind a fault, which is reported
        return ""
    for own, needed in pairs:
        if own.shape != needed.shape:
            return (
                f"`{owner.path}.{own.name}` is {show(own.shape)}, where {show(needed.shape)} would "
                "be needed"
            )
    return ""
