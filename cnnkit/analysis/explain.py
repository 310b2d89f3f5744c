"""How each number of an analysis comes about, as a teacher writes it on the board.

The numbers are those of the graph's effects and of the totals; here they are only written out.
Every equation that is shown holds: ``3×7×7×3 + 3 = 444``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from cnnkit.analysis.receptive_field import Fields, receptive_fields
from cnnkit.analysis.result import Analysis, LayerAnalysis
from cnnkit.analysis.tree import folded, visible
from cnnkit.analysis.window_steps import axis_steps, named_axes, window_steps
from cnnkit.errors import Location
from cnnkit.layers.base import Effect, Shape, Terms, Weight
from cnnkit.spec.graph import INPUT, Graph, Node

# More terms than this make no sum that a person reads: then it is one of the top layers.
_MAX_TERMS = 24


class Line(NamedTuple):
    """One line on the board: what it is about, and the equation."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the numbers of one operation, or at the end the totals, come about.

    Attributes:
        path: The operation's place in the network; empty for the totals.
        kind: What it does.
        input: The shape that comes in, where known.
        output: The shape that goes out, where known.
        times: How many copies of it there are, in repeats whose copies are alike.
        location: Where the layer stands in the source.
        lines: The equations.
    """

    path: str
    kind: str
    input: Shape | None
    output: Shape | None
    times: int
    location: Location | None
    lines: tuple[Line, ...]


def explain(analysis: Analysis) -> tuple[Explanation, ...]:
    """An explanation of each operation, in order, and one of the totals."""
    fields, _ = receptive_fields(analysis.graph)
    layers = list(_explained(analysis, analysis.tree, fields, 1)) if analysis.tree.children else []
    totals = tuple(_totals(analysis))
    return (*layers, Explanation("", "totals", analysis.input, analysis.output, 1, None, totals))


def _explained(
    analysis: Analysis, layer: LayerAnalysis, fields: list[Fields], times: int
) -> Iterator[Explanation]:
    """The operations of a layer; of copies that are alike, those of one."""
    if layer.children:
        copies = layer.times if folded(layer) else 1
        for child in visible(layer):
            yield from _explained(analysis, child, fields, times * copies)
        return
    graph = analysis.graph
    for index in layer.nodes:
        node = graph.nodes[index]
        source = _shape(graph, node.inputs[0])
        lines = tuple(_lines(graph, node, _incoming(graph, node, fields), fields[index]))
        yield Explanation(
            node.path, node.layer.title, source, node.output, times, layer.location, lines
        )


def _shape(graph: Graph, node: int) -> Shape | None:
    return graph.input if node == INPUT else graph.nodes[node].output


def _incoming(graph: Graph, node: Node, fields: list[Fields]) -> Fields:
    """The receptive fields of what comes in; None where several tensors are joined."""
    if len(set(node.inputs)) > 1:
        return None
    return graph.start_fields if node.inputs[0] == INPUT else fields[node.inputs[0]]


