"""The bodies of a graph: which groups become one, and the statements of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import NamedTuple

from cnnkit.errors import Finding, Location
from cnnkit.export.code.lines import COPY, INDEX, holes, skeleton
from cnnkit.export.outline.model import (
    Body,
    Expression,
    InexpressibleError,
    Run,
    Statement,
    Write,
)
from cnnkit.export.outline.sharing import Link, divides
from cnnkit.layers.block import Block
from cnnkit.layers.composition import Parallel, Save, SqueezeExcite
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.graph import INPUT, Graph, Group, Node


class _Frame(NamedTuple):
    """The body that statements are made for: where it stands, and which copy of a repeat it is."""

    path: str
    copy: str = ""

    def relative(self, path: str) -> str:
        """A path below the body's."""
        below = path.removeprefix(f"{self.path}.") if self.path else path
        return below.replace(self.copy, COPY, 1) if self.copy else below

    def holds(self, path: str) -> bool:
        """Whether a group at a path is part of the body."""
        return not self.path or f"{path}.".startswith(f"{self.path}.")


class _Copy(NamedTuple):
    """A copy of a repeat: its layers, their nodes, the tensor that they read and the one given."""

    groups: Sequence[Group]
    start: int
    stop: int
    source: int
    output: int


class Maker:
    """Makes the bodies of a graph."""

    def __init__(self, graph: Graph, write: Write, target: str, links: Sequence[Link]) -> None:
        self.graph = graph
        self.links = links
        self.whole_uses = {id(link.use): link.source for link in links if link.whole}
        self.given: dict[int, int] = {}  # of a module, the value that its first call gives
        self.write = write
        self.target = target
        self.bodies: list[Body] = []  # innermost first
        self.findings: list[Finding] = []
        self.readers: dict[int, list[int]] = {}
        end = len(graph.nodes)  # the network's output is read by what is outside
        for index, node in enumerate(graph.nodes):
            for source in node.inputs:
                self.readers.setdefault(source, []).append(index)
        for source in (*graph.outputs.values(), *(node for node, _ in graph.sides)):
            self.readers.setdefault(source, []).append(end)
        self.keys: dict[object, int] = {}
        self.hints: dict[int, tuple[str, str]] = {}  # a name, and the path of who gives it
        self.reported: set[tuple[str, Location | None]] = set()

    def whole(self, title: str) -> Body:
        """The network as a body, made after all those inside it."""
        root = self.graph.root
        for group in root.walk():
            self._hint(group)
        output = self.graph.output or self.graph.input
        steps = tuple(self._steps(root, _Frame("")))
        return self._body(title, "", (INPUT, root.tensor), (self.graph.input, output), steps)

    def _hint(self, group: Group) -> None:
        """What the values inside a group are called: by their branch, or the name saved under."""
        if isinstance(group.layer, Save) and group.tensor > INPUT:
            self.hints[group.tensor] = (group.layer.tensor, group.path)
        if isinstance(group.layer, Parallel):
            for child in group.children:
                branch = child.label.split(".")[1]
                name = f"branch{branch}" if branch.isdigit() else branch
                for node in range(child.start, child.stop):
                    self.hints[node] = (name, group.path)

    def _hint_of(self, node: int, frame: _Frame) -> str:
        name, path = self.hints.get(node, ("", ""))
        return name if frame.holds(path) else ""

    def _steps(self, group: Group, frame: _Frame) -> Iterator[Statement]:
        """The statements of a group, in the body of a frame."""
        if group.copies:
            yield from self._copies(group, frame)
            return
        at = group.start
        for child in group.children:
            yield from self._nodes(group, range(at, child.start), frame)
            yield from self._child(child, frame)
            at = child.stop
        yield from self._nodes(group, range(at, group.stop), frame)

    def _child(self, group: Group, frame: _Frame) -> Iterator[Statement]:
        named = isinstance(group.layer, Block | SqueezeExcite)
        tensors = self._one_in_one_out(group.start, group.stop)
        source = self.whole_uses.get(id(group))
        if source is not None and tensors and id(source) in self.given:
            path, call = frame.relative(group.path), Expression(("{layer}({0})",))
            shape, hint = self.graph.shape(tensors[1]) or (), self._hint_of(tensors[1], frame)
            first = self.given[id(source)]
            yield Statement(
                path, group.kind, tensors[:1], tensors[1], shape, hint, call, reuses=first
            )
            return
        if named and divides(self.links, group.start, group.stop):
            named = False
        if named and tensors and group.layer is not None:
            self.given[id(group)] = tensors[1]
            body = self._of_groups(group.kind, _Frame(group.path), tensors, [group])
            path, label = frame.relative(group.path), group.layer.name or group.kind
            yield self._call(path, label, (Run(body, 1, False),), tensors, frame)
        else:
            yield from self._steps(group, frame)

    def _copies(self, group: Group, frame: _Frame) -> Iterator[Statement]:
        """A repeat: its copies as bodies, or written out where they cannot be."""
        copies: list[_Copy] = []
        for first, last in pairwise([*group.copies, len(group.children)]):
            children = [child for child in group.children[first:last] if child.start < child.stop]
            span = (children[0].start, children[-1].stop) if children else (0, 0)
            tensors = self._one_in_one_out(*span)
            if tensors is None or divides(self.links, *span):
                for child in group.children:
                    yield from self._child(child, frame)
                return
            copies.append(_Copy(children, *span, *tensors))
        first = 0
        for chain in self._chains(copies):
            yield self._chained(group, chain, first, frame)
            first += len(chain)

    def _chains(self, copies: Sequence[_Copy]) -> Iterator[list[_Copy]]:
        """Runs of copies of which each alone reads what the one before it gives."""
        chain = [copies[0]]
        for copy in copies[1:]:
            given = chain[-1].output
            alone = all(copy.start <= reader < copy.stop for reader in self.readers[given])
            if copy.source == given and alone:
                chain.append(copy)
            else:
                yield chain
                chain = [copy]
        yield chain

    def _chained(
        self, group: Group, chain: Sequence[_Copy], first: int, frame: _Frame
    ) -> Statement:
        """The call of copies one after the other, the first of which has a number."""
        bodies = [
            self._of_groups(
                _copy_title(group, copy.groups),
                _copy_frame(copy.groups, index),
                (copy.source, copy.output),
                copy.groups,
            )
            for index, copy in enumerate(chain, first)
        ]
        alike = groupby(bodies, lambda body: (body.key, body.values))
        runs = [list(run) for _, run in alike]
        whole = len(chain) == len(group.copies)
        counted = whole and len(runs) == 1
        title = bodies[0].title if len(chain) == 1 and not whole else f"{bodies[0].title}s"
        label = (group.layer.name if group.layer else None) or title
        called = tuple(Run(run[0], len(run), counted) for run in runs)
        tensors = (chain[0].source, chain[-1].output)
        step = self._call(frame.relative(group.path), label, called, tensors, frame)
        children = chain[0].groups
        below = children[0].path.removeprefix(f"{group.path}.") if len(children) == 1 else ""
        return replace(step, first=first, below=below.replace(f"[{first}]", INDEX))

    def _of_groups(
        self, title: str, frame: _Frame, tensors: tuple[int, int], groups: Sequence[Group]
    ) -> Body:
        if len(groups) == 1 and groups[0].path == frame.path:
            steps = tuple(self._steps(groups[0], frame))
        else:
            steps = tuple(step for group in groups for step in self._child(group, frame))
        shapes = (self.graph.shape(tensors[0]) or (), self.graph.shape(tensors[1]) or ())
        return self._body(title, frame.path, tensors, shapes, steps)

    def _body(
        self,
        title: str,
        path: str,
        tensors: tuple[int, int],
        shapes: tuple[Shape, Shape],
        steps: tuple[Statement, ...],
    ) -> Body:
        body = Body(title, path, *tensors, shapes, steps)
        places = (
            {body.input: "input"}
            | self._other_inputs(path)
            | {step.output: str(i) for i, step in enumerate(steps)}
        )
        key = (title, *(self._key(step, places) for step in steps), places[body.output])
        body.key = self.keys.setdefault(key, len(self.keys))
        body.values = tuple(value for step in steps for value in _raw(step))
        self.bodies.append(body)
        return body

    def _other_inputs(self, path: str) -> dict[int, str]:
        """The inputs of the network beside the first, which the network as a whole reads."""
        others = range(1, len(self.graph.inputs)) if not path else ()
        return {INPUT - number: f"input {number}" for number in others}

    def _key(self, step: Statement, places: Mapping[int, str]) -> object:
        texts = tuple(map(skeleton, step.texts))
        runs = tuple((run.body.key, run.counted or run.times) for run in step.runs)
        inputs = tuple(places[source] for source in step.inputs)
        reuses = None if step.reuses is None else places[step.reuses]
        return (step.path, step.label, inputs, texts, runs, reuses)

    def _one_in_one_out(self, start: int, stop: int) -> tuple[int, int] | None:
        """The tensor that nodes read and the one they give, where it is one of each."""
        nodes = self.graph.nodes[start:stop]
        if len(nodes) < 2 or any(node.side for node in nodes):
            return None
        sources = {source for node in nodes for source in node.inputs if source < start}
        given = {
            node
            for node in range(start, stop)
            if any(reader >= stop for reader in self.readers.get(node, ()))
        }
        if len(sources) != 1 or len(given) != 1:
            return None
        return sources.pop(), given.pop()

    def _call(
        self, path: str, label: str, runs: tuple[Run, ...], tensors: tuple[int, int], frame: _Frame
    ) -> Statement:
        source, output = tensors
        shape, hint = self.graph.shape(output) or (), self._hint_of(output, frame)
        return Statement(path, label, (source,), output, shape, hint, runs=runs)

    def _nodes(self, group: Group, indices: range, frame: _Frame) -> Iterator[Statement]:
        for index in indices:
            node = self.graph.nodes[index]
            try:
                operation = self._operation(node)
            except InexpressibleError as error:
                self._report(error, node, group)
                operation = Expression(("{0}",))
            path = frame.relative(node.path)
            label = node.path.removeprefix(f"{group.path}.") if node.path != group.path else ""
            owner = group.layer.name if group.layer else None
            name = label or owner or node.layer.kind or node.layer.title
            hint = self._hint_of(index, frame)
            output = node.output or ()
            yield Statement(
                path,
                name,
                node.inputs,
                index,
                output,
                hint,
                operation,
                side=node.side,
                reuses=node.shares,
            )

    def _operation(self, node: Node) -> Expression:
        """How a node is written; one that shares weights calls the layer of their owner."""
        shapes = tuple(self.graph.shape(source) or () for source in node.inputs)
        if node.shares is None:
            return self.write(node, shapes)
        owner = self.graph.nodes[node.shares]
        alike = node._replace(
            path=owner.path, effect=node.effect._replace(weights=owner.effect.weights)
        )
        made = self.write(alike, shapes)
        of_owner = self.write(owner, tuple(self.graph.shape(each) or () for each in owner.inputs))
        if made.build == of_owner.build and (made.build or made.calls == of_owner.calls):
            return Expression(made.calls)
        raise InexpressibleError(
            f"`{owner.path}` would be another layer for {show(shapes[0])}, as its padding depends "
            "on the extents",
            "give both tensors the same extents, or the layer a `padding` in numbers",
        )

    def _report(self, error: InexpressibleError, node: Node, group: Group) -> None:
        place = group.layer.place if group.layer else None
        location = place.find(error.field) if place else None
        message = f"{self.target} cannot say this: {error}"
        if (message, location) not in self.reported:
            self.reported.add((message, location))
            self.findings.append(
                Finding("not-convertible", "error", message, error.advice, location, node.path)
            )


def _copy_title(group: Group, children: Sequence[Group]) -> str:
    """What one copy of a repeat is called: by what it holds, where that is one thing."""
    if len(children) == 1:
        child = children[0]
        return (child.layer.name if child.layer else None) or child.kind
    name = group.layer.name if group.layer else None
    return f"{name}_unit" if name else "unit"


def _copy_frame(children: Sequence[Group], index: int) -> _Frame:
    """Where a copy stands: where its one layer does, or what holds its layers."""
    path = children[0].path
    if len(children) == 1:
        return _Frame(path)
    return _Frame(path.rpartition(".layers.")[0], f"[{index}]")


def _raw(step: Statement) -> Iterator[str]:
    for text in step.texts:
        yield from (hole.value for hole in holes(text))
    for run in step.runs:
        yield str(run.times)
        yield from run.body.values
