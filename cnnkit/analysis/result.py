"""What an analysis says: frozen, typed, exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.analysis.memory import Memory
from cnnkit.analysis.receptive_field import Fields
from cnnkit.errors import Finding, Location
from cnnkit.layers.base import Layer, Operations, Place, Shape
from cnnkit.spec.graph import Graph
from cnnkit.spec.model import Spec

if TYPE_CHECKING:
    from cnnkit.analysis.convention import ConventionCount

FORMAT = 1
"""The version of the JSON that ``Analysis.to_dict`` gives."""


class Counts(NamedTuple):
    """What is added up over operations: one example's neurons, weights, work and outputs."""

    neurons: int
    parameters: int
    state: int
    macs: int
    activations: int
    add: int
    multiply: int
    compare: int
    divide: int
    exponential: int


@dataclass(frozen=True, slots=True)
class LayerAnalysis:
    """One layer as written, with all that is inside it.

    Attributes:
        path: Its place in the spec, such as ``layers.3``.
        label: The part of the path below the layer that it stands in.
        kind: Its kind, or the name of its block.
        input: The shape that comes in; None where an error before leaves it unknown.
        output: The shape that goes out; None where it is unknown.
        counts: Its figures; those of a composite are of all that is inside it.
        fields: The receptive field of its output, for each spatial axis of the network's input.
        children: The layers inside it, of a composite.
        times: Of a repeat, how many copies there are; else 1.
        alike: Of a repeat, whether all copies have the same shapes and counts.
        side: Whether it belongs to a side output, used in training only.
        place: Where it stands in the source.
        layer: Its model; None for the network as a whole.
        nodes: Its primitive operations, ``nodes.start`` up to ``nodes.stop`` of the graph.
    """

    path: str
    label: str
    kind: str
    input: Shape | None
    output: Shape | None
    counts: Counts
    fields: Fields
    children: tuple[LayerAnalysis, ...]
    times: int
    alike: bool
    side: bool
    place: Place | None
    layer: Layer | None
    nodes: range

    @property
    def location(self) -> Location | None:
        """The line and column of its kind in the source."""
        return self.place.find(()) if self.place else None

    @property
    def neurons(self) -> int:
        """Output elements of its convolutions and dense layers."""
        return self.counts.neurons

    @property
    def parameters(self) -> int:
        """Trainable weights and biases."""
        return self.counts.parameters

    @property
    def state(self) -> int:
        """Running statistics."""
        return self.counts.state

    @property
    def macs(self) -> int:
        """Multiply-accumulates of its convolutions and dense layers."""
        return self.counts.macs

    @property
    def activations(self) -> int:
        """Output elements of all operations in it."""
        return self.counts.activations

    @property
    def operations(self) -> Operations:
        """All other scalar operations."""
        return Operations(*self.counts[-5:])

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
            "receptive_field": _axes(self.fields, "size"),
            "effective_stride": _axes(self.fields, "stride"),
            "effective_padding": _axes(self.fields, "padding"),
            "centre": _axes(self.fields, "centre"),
            "line": location.line if location else None,
            "column": location.column if location else None,
        }


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of the whole network, for one example unless a batch is asked for.

    Memory is in bytes; ``cnnkit.analysis.memory`` states the model.
    """

    neurons: int
    parameters: int
    state: int
    macs: int
    macs_without_heads: int
    activations: int
    operations: Operations
    memory: Memory = field(repr=False, compare=False)

    @property
    def inference_memory(self) -> int:
        """Bytes while the network predicts."""
        return self.memory.inference

    @property
    def training_memory(self) -> int:
        """Bytes while it is trained."""
        return self.memory.training

    @property
    def flops(self) -> int:
        """Twice the multiply-accumulates."""
        return 2 * self.macs

    def to_dict(self) -> dict[str, Any]:
        """The totals as JSON shows them."""
        return {
            "neurons": self.neurons,
            "parameters": self.parameters,
            "state": self.state,
            "macs": self.macs,
            "macs_without_heads": self.macs_without_heads,
            "flops": self.flops,
            "activations": self.activations,
            "operations": self.operations._asdict(),
            "inference_memory": self.inference_memory,
            "training_memory": self.training_memory,
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """What the memory is computed for."""

    batch: int = 1
    precision: str = "float32"
    optimizer: str = "adam"


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of a spec.

    Attributes:
        spec: What was analysed.
        graph: Its operations, with their shapes and effects.
        tree: The whole network as a layer; its ``children`` are the spec's layers.
        totals: The figures of the whole.
        findings: The faults of the text and of the geometry, in the order of the source.
        settings: What the memory is computed for.
        convention: The count of another tool, where it was asked for.
    """

    spec: Spec
    graph: Graph
    tree: LayerAnalysis
    totals: Totals
    findings: tuple[Finding, ...]
    settings: Settings = Settings()
    convention: ConventionCount | None = None

    @property
    def name(self) -> str | None:
        """The network's name."""
        return self.spec.name

    @property
    def input(self) -> Shape:
        """The shape of one example."""
        return self.spec.input

    @property
    def output(self) -> Shape | None:
        """The shape that the network gives; None where an error leaves it unknown."""
        return self.tree.output

    @property
    def layers(self) -> tuple[LayerAnalysis, ...]:
        """All layers that hold no others, in order. Their counts add up to the totals."""
        return tuple(self.tree.leaves()) if self.tree.children else ()

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.level != "error" for finding in self.findings)

    def at_depth(self, depth: int | None) -> tuple[LayerAnalysis, ...]:
        """The layers down to ``depth`` levels, each counted once; None means all the way."""
        return tuple(self.tree.leaves(depth)) if self.tree.children else ()

    def to_dict(self, depth: int | None = None) -> dict[str, Any]:
        """The analysis as JSON shows it; every key is always there."""
        return {
            "format": FORMAT,
            "name": self.name,
            "input": list(self.input),
            "layers": [layer.to_dict() for layer in self.at_depth(depth)],
            "totals": self.totals.to_dict(),
            "convention": asdict(self.convention) if self.convention else None,
            "findings": [finding.to_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A source that gives no spec to analyse: only its findings can be shown.

    Attributes:
        file: The name of the source.
        findings: Why it cannot be read.
    """

    file: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Always false."""
        return False

    def to_dict(self, depth: int | None = None) -> dict[str, Any]:
        """The keys of an analysis, without figures."""
        del depth
        return {
            "format": FORMAT,
            "name": None,
            "input": None,
            "layers": [],
            "totals": None,
            "convention": None,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def _axes(fields: Fields, attribute: str) -> list[int | float] | None:
    if fields is None:
        return None
    values = [getattr(field, attribute) for field in fields]
    return [float(value) if isinstance(value, Fraction) else value for value in values]
