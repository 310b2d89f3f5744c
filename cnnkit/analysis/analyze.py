"""The analysis: one fold over the graph of a spec."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise, repeat
from operator import add, sub
from typing import TYPE_CHECKING

from cnnkit.analysis.memory import Memory, Optimizer, Precision
from cnnkit.analysis.receptive_field import Field, Fields, Misaligned, receptive_fields
from cnnkit.analysis.result import Analysis, Counts, LayerAnalysis, Settings, Totals
from cnnkit.errors import Finding, in_order
from cnnkit.garbage import uncollected
from cnnkit.layers.base import Effect, Place, total
from cnnkit.spec.graph import INPUT, Graph, Group, trace
from cnnkit.spec.model import Spec

if TYPE_CHECKING:
    from cnnkit.analysis.convention import ConventionCount


@uncollected
def analyze(
    spec: Spec,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    optimizer: Optimizer = "adam",
    convention: str | None = None,
) -> Analysis:
    """Shapes, counts, cost, memory and receptive fields of a spec.

    Nothing is raised for a faulty spec: what is wrong is in ``findings``, and the report goes
    on with the floored shape.

    Args:
        spec: What ``cnnkit.load`` gives, or a ``Spec`` built in Python.
        batch: Examples at once, for the memory.
        precision: Of the activations, for the memory.
        optimizer: Whose state training keeps, for the memory.
        convention: The name of a tool whose count is given beside ours; see
            ``cnnkit.analysis.convention``.
    """
    graph = trace(spec.layers, spec.input, spec.rounding)
    fields, misaligned = receptive_fields(graph)
    tree = _Fold(graph, fields).layer(graph.root)
    findings = [*spec.origin.findings, *graph.findings]
    findings += [_misaligned(graph, each) for each in _first_of_each(graph, misaligned)]
    side = sum(weight.size for node in graph.nodes if node.side for weight in node.effect.weights)
    weights = tree.parameters + tree.state - side
    without_heads = tree.macs - sum(total(node.effect.macs) for node in graph.nodes if node.side)
    totals = Totals(
        neurons=tree.neurons,
        parameters=tree.parameters,
        state=tree.state,
        macs=tree.macs,
        macs_without_heads=without_heads,
        activations=tree.activations,
        operations=tree.operations,
        memory=Memory(graph, weights, tree.parameters, tree.state, batch, precision, optimizer),
    )
    ordered = tuple(in_order(findings))
    return Analysis(
        spec,
        graph,
        tree,
        totals,
        ordered,
        Settings(batch, precision, optimizer),
        _counted_as(graph, convention) if convention else None,
    )


def _counted_as(graph: Graph, convention: str) -> ConventionCount:
    from cnnkit.analysis.convention import count_as  # only who asks for one pays for this import

    return count_as(graph, convention)


_ZERO = Counts(*[0] * len(Counts._fields))


class _Fold:
    """Sums over the nodes of each group, from sums up to each node."""

    def __init__(self, graph: Graph, fields: list[Fields]) -> None:
        self.graph = graph
        self.fields = fields
        self.sums: list[tuple[int, ...]] = [_ZERO]
        known: dict[int, Counts] = {}  # layers that say the same share their effect
        for node in graph.nodes:
            counts = known.get(id(node.effect))
            if counts is None:
                counts = known[id(node.effect)] = _counts(node.effect)
            self.sums.append(tuple(map(add, self.sums[-1], counts)))

    def layer(self, group: Group) -> LayerAnalysis:
        """The analysis of a group and of all below it."""
        children = tuple(self._children(group))
        nodes = range(group.start, group.stop)
        if not group.copies:
            return self._summed(group.path, group.label, group, nodes, children)
        copies = [*group.copies, len(children)]
        bodies = [children[a:b] for a, b in pairwise(copies)]
        alike = all(_same(a, b) for a, b in pairwise(bodies))
        return self._summed(
            group.path, group.label, group, nodes, children, times=len(bodies), alike=alike
        )

    def _children(self, group: Group) -> Iterator[LayerAnalysis]:
        """The layers inside a composite, and the operations between them, in order."""
        if group.layer is not None and group.layer.family != "composition":
            return  # a conv with its activation is one row
        if not group.children and group.stop - group.start < 2:
            return
        node = group.start
        for child in group.children:
            yield from map(self._operation, repeat(group), range(node, child.start))
            yield self.layer(child)
            node = child.stop
        yield from map(self._operation, repeat(group), range(node, group.stop))

    def _operation(self, group: Group, index: int) -> LayerAnalysis:
        """A composite's own operation, such as the sum at the end of a residual."""
        node = self.graph.nodes[index]
        inner = Group(
            node.layer,
            node.layer.title,
            node.path.removeprefix(f"{group.path}."),
            node.path,
            index,
            index + 1,
            self.graph.shape(node.inputs[0]),
            node.output,
            index,
        )
        return self._summed(
            node.path,
            inner.label,
            inner,
            range(index, index + 1),
            place=group.layer.place if group.layer else None,
        )

    def _summed(
        self,
        path: str,
        label: str,
        group: Group,
        nodes: range,
        children: tuple[LayerAnalysis, ...] = (),
        times: int = 1,
        alike: bool = True,
        place: Place | None = None,
    ) -> LayerAnalysis:
        start, stop = nodes.start, nodes.stop
        return LayerAnalysis(
            path=path,
            label=label,
            kind=group.kind,
            input=group.input,
            output=group.output,
            counts=Counts._make(map(sub, self.sums[stop], self.sums[start])),
            fields=self._fields_of(group),
            children=children,
            times=times,
            alike=alike,
            side=start < stop and self.graph.nodes[start].side,
            place=place or (group.layer.place if group.layer else None),
            layer=group.layer,
            nodes=nodes,
        )

    def _fields_of(self, group: Group) -> Fields:
        if group.output is None:
            return None
        if group.tensor == INPUT:
            return (Field(1, 1, 0),) * (len(self.graph.input) - 1)
        return self.fields[group.tensor]


def _counts(effect: Effect) -> Counts:
    trainable = state = 0
    for weight in effect.weights:
        if weight.trainable:
            trainable += weight.size
        else:
            state += weight.size
    return Counts(
        total(effect.neurons),
        trainable,
        state,
        total(effect.macs),
        math.prod(effect.output) if effect.output else 0,
        *effect.operations,
    )


def _same(body: tuple[LayerAnalysis, ...], other: tuple[LayerAnalysis, ...]) -> bool:
    """Whether two copies of a repeat are alike in all that a table shows."""
    return len(body) == len(other) and all(
        (a.kind, a.input, a.output, a.counts) == (b.kind, b.input, b.output, b.counts)
        and _same(a.children, b.children)
        for a, b in zip(body, other, strict=True)
    )


def _first_of_each(graph: Graph, misaligned: list[Misaligned]) -> list[Misaligned]:
    """One of the misaligned joins of each path, which names the first axis."""
    seen = {graph.nodes[each.node].path: each for each in reversed(misaligned)}
    return list(reversed(seen.values()))


def _misaligned(graph: Graph, found: Misaligned) -> Finding:
    node = graph.nodes[found.node]
    group = _owner(graph.root, found.node)
    first, other = found.first, found.other
    if first.stride != other.stride:
        what = f"effective stride {first.stride} and {other.stride}"
    else:
        what = f"their first cells centred at {shown(first.centre)} and {shown(other.centre)}"
    return Finding(
        "misaligned-branches",
        "warning",
        f"the branches that meet here are misaligned along the {found.axis}: {what}",
        "give both the same strides, and paddings that keep their windows centred alike",
        group.location,
        node.path,
    )


def shown(value: Fraction | int) -> str:
    """A number of cells, with decimals only where it is not whole."""
    return str(value) if isinstance(value, int) else f"{float(value):g}"


def _owner(group: Group, node: int) -> Group:
    """The innermost layer with a place in the source that a node belongs to."""
    for child in group.children:
        if child.start <= node < child.stop:
            return _owner(child, node)
    return group
