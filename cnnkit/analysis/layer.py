"""One layer of an analysis: a view of its operations, which computes what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

from cnnkit.analysis.receptive_field import Fields, first_fields
from cnnkit.analysis.sums import Column, Sums
from cnnkit.errors import Location
from cnnkit.layers.base import Layer, Operations, Place
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT, Graph, Group


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LayerAnalysis:
    """One layer as written, with all that is inside it; two that say the same are equal.

    Attributes:
        group: The layer and its operations in the graph.
        graph: The graph.
        sums: The figures of its operations.
        seen: The receptive field of each operation's output, in the first input that it sees.
        seen_of: The same in each input alone, by its name, where there are several.
        children: The layers inside it, of a composite.
        composite: Of an operation that a composite adds itself, that composite.
    """

    group: Group
    graph: Graph
    sums: Sums
    seen: Sequence[Fields]
    children: tuple[LayerAnalysis, ...] = ()
    composite: Group | None = None
    seen_of: Mapping[str, Sequence[Fields]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"LayerAnalysis({self.path or 'network'}, {self.kind}, {self.output})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LayerAnalysis):
            return NotImplemented
        return (self.label, self.layer, self.nodes, self.to_dict(), self.children) == (
            other.label,
            other.layer,
            other.nodes,
            other.to_dict(),
            other.children,
        )

    def __hash__(self) -> int:
        return hash((self.path, self.kind, self.output))

    @property
    def path(self) -> str:
        """Its place in the spec, such as ``layers.3``."""
        return self.group.path

    @property
    def label(self) -> str:
        """The part of the path below the layer that it stands in."""
        return self.group.label

    @property
    def kind(self) -> str:
        """Its kind, or the name of its block."""
        return self.group.kind

    @property
    def layer(self) -> Layer | None:
        """Its model; None for the network as a whole."""
        return self.group.layer

    @property
    def input(self) -> Shape | None:
        """The shape that comes in; None where an error before leaves it unknown."""
        return self.group.input

    @property
    def output(self) -> Shape | None:
        """The shape that goes out; None where it is unknown."""
        return self.group.output

    @property
    def nodes(self) -> range:
        """Its primitive operations in the graph."""
        return range(self.group.start, self.group.stop)

    @property
    def times(self) -> int:
        """Of a repeat, how many copies there are; else 1."""
        return len(self.group.copies) or 1

    @property
    def alike(self) -> bool:
        """Of a repeat, whether all copies have the same shapes and counts."""
        copies = [*self.group.copies, len(self.children)]
        bodies = [self.children[start:stop] for start, stop in pairwise(copies)]
        return all(_same(body, other) for body, other in pairwise(bodies))

    @property
    def side(self) -> bool:
        """Whether it belongs to a side output, used in training only."""
        start, stop = self.group.start, self.group.stop
        return start < stop and self.graph.nodes[start].side

    @property
    def fields(self) -> Fields:
        """The receptive field of its output, for each spatial axis of the network's input."""
        if self.group.output is None:
            return None
        if self.group.tensor <= INPUT:
            return first_fields(self.graph, self.group.tensor)
        return self.seen[self.group.tensor]

    @property
    def fields_of(self) -> dict[str, Fields]:
        """The receptive field of its output in each input that it sees, where there are several."""
        tensor, names = self.group.tensor, [*self.seen_of]
        if self.group.output is None or not names:
            return {}
        if tensor <= INPUT:
            return {names[INPUT - tensor]: self.fields}
        found = {name: seen[tensor] for name, seen in self.seen_of.items()}
        return {name: fields for name, fields in found.items() if fields is not None}

    @property
    def shares(self) -> str | None:
        """The path of the layer whose weights it uses; None where it has its own or none."""
        owners = [self.graph.nodes[node].shares for node in self.nodes]
        paths = {self.graph.nodes[owner].path for owner in owners if owner is not None}
        return paths.pop() if len(paths) == 1 else None

    @property
    def place(self) -> Place | None:
        """Where it stands in the source."""
        for group in (self.composite, self.group):
            place = group.layer.place if group and group.layer else None
            if place is not None:
                return place
        return None

    @property
    def location(self) -> Location | None:
        """The line and column of its kind in the source."""
        place = self.place
        return place.find(()) if place else None

    @property
    def neurons(self) -> int:
        """Output elements of its convolutions and dense layers."""
        return self._sum(self.sums.neurons)

    @property
    def parameters(self) -> int:
        """Trainable weights and biases."""
        return self._sum(self.sums.parameters)

    @property
    def state(self) -> int:
        """Running statistics."""
        return self._sum(self.sums.state)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of its convolutions and dense layers."""
        return self._sum(self.sums.macs)

    @property
    def activations(self) -> int:
        """Output elements of all operations in it."""
        return self._sum(self.sums.activations)

    @property
    def operations(self) -> Operations:
        """All other scalar operations."""
        return Operations._make(map(self._sum, self.sums.operations))

    def _sum(self, column: Column) -> int:
        return column[self.group.stop] - column[self.group.start]

    @property
    def flops(self) -> int:
        """Twice the multiply-accumulates."""
        return 2 * self.macs

    @property
    def known(self) -> bool:
        """Whether its counts are: an error in the layer or before it leaves them open."""
        return self.output is not None

    def leaves(self, depth: int | None = None) -> Iterator[LayerAnalysis]:
        """The layers ``depth`` levels down, or those above that hold none: each counted once."""
        if not self.children or depth == 0:
            yield self
            return
        for child in self.children:
            yield from child.leaves(None if depth is None else depth - 1)

    def to_dict(self) -> dict[str, Any]:
        """The layer as JSON shows it; counts that are not known are null."""
        location = self.location
        return {
            "path": self.path,
            "kind": self.kind,
            "input": list(self.input) if self.input else None,
            "output": list(self.output) if self.output else None,
            "neurons": self.neurons if self.known else None,
            "parameters": self.parameters if self.known else None,
            "state": self.state if self.known else None,
            "macs": self.macs if self.known else None,
            "flops": self.flops if self.known else None,
            "activations": self.activations if self.known else None,
            "operations": self.operations._asdict() if self.known else None,
            "receptive_field": _cells(self.fields, "size"),
            "receptive_field_min": _cells(self.fields, "smallest"),
            "effective_stride": _axes(self.fields, "stride"),
            "effective_padding": _axes(self.fields, "padding"),
            "centre": _axes(self.fields, "centre"),
            "line": location.line if location else None,
            "column": location.column if location else None,
            "receptive_fields": {
                name: _cells(fields, "size") for name, fields in self.fields_of.items()
            }
            or None,
            "shares": self.shares,
        }


def _same(body: Sequence[LayerAnalysis], other: Sequence[LayerAnalysis]) -> bool:
    """Whether two copies of a repeat are alike in all that a table shows."""
    return len(body) == len(other) and all(
        _shown(layer) == _shown(twin) and _same(layer.children, twin.children)
        for layer, twin in zip(body, other, strict=True)
    )


def _shown(layer: LayerAnalysis) -> tuple[object, ...]:
    counts = (layer.neurons, layer.parameters, layer.state, layer.macs, layer.activations)
    return layer.kind, layer.input, layer.output, counts, layer.operations


def _cells(fields: Fields, attribute: str) -> list[int] | None:
    if fields is None:
        return None
    return [ceil(getattr(field, attribute)) for field in fields]


def _axes(fields: Fields, attribute: str) -> list[int | float] | None:
    if fields is None:
        return None
    values = [getattr(field, attribute) for field in fields]
    return [float(value) if isinstance(value, Fraction) else value for value in values]
