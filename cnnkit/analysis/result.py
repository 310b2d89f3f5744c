"""What an analysis says: frozen, typed, exact."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

from cnnkit.analysis.frame import Library, frame
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.memory import Memory
from cnnkit.analysis.precision import Precision, Program
from cnnkit.errors import Finding
from cnnkit.layers.base import Operations
from cnnkit.layers.shape import Shape, show, total
from cnnkit.spec.graph import Graph
from cnnkit.spec.model.section import TOTALS
from cnnkit.spec.model.spec import Spec

if TYPE_CHECKING:
    from cnnkit.analysis.convention import ConventionCount
    from cnnkit.analysis.estimate import TimeEstimate
    from cnnkit.analysis.machines.machine import Machine
    from cnnkit.analysis.scaling.prediction import Scaling

FORMAT = 1
"""The version of the JSON that ``Analysis.to_dict`` gives."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the memory and the time are computed for."""

    batch: int = 1
    precision: Precision = "float32"
    optimizer: str = "adam"
    machine: Machine | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Totals:
    """The figures of the whole network, for one example unless a batch is asked for.

    Each is computed when it is asked for; two that say the same are equal. Memory is in bytes;
    ``cnnkit.analysis.memory`` states the model. ``frozen`` are the paths of the operations
    whose weights are never trained.
    """

    tree: LayerAnalysis
    settings: Settings
    frozen: Set[str] = frozenset()

    def __repr__(self) -> str:
        figures = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"Totals({figures})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Totals):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.parameters, self.macs))

    @property
    def neurons(self) -> int:
        """Output elements of convolutions and dense layers."""
        return self.tree.neurons

    @property
    def parameters(self) -> int:
        """Trainable weights and biases."""
        return self.tree.parameters

    @property
    def state(self) -> int:
        """Running statistics."""
        return self.tree.state

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and dense layers."""
        return self.tree.macs

    @property
    def macs_without_heads(self) -> int:
        """The same without heads: side outputs, which training alone runs, and detectors'."""
        heads = (node.effect.macs for node in self.tree.graph.nodes if node.head)
        return self.macs - sum(map(total, heads))

    @property
    def activations(self) -> int:
        """Output elements of all operations."""
        return self.tree.activations

    @property
    def operations(self) -> Operations:
        """All other scalar operations."""
        return self.tree.operations

    @cached_property
    def memory(self) -> Memory:
        """Bytes, by what they are for."""
        settings = self.settings
        return Memory(
            self.tree.graph,
            self.parameters,
            self.state,
            settings.batch,
            settings.precision,
            settings.optimizer,
            self.frozen,
        )

    @property
    def trained_parameters(self) -> int:
        """The parameters that the recipe trains: all, but for those that it freezes throughout."""
        return self.parameters - self.memory.untrained

    @property
    def inference_memory(self) -> int:
        """Bytes while the network predicts."""
        return self.memory.inference

    @property
    def weight_memory(self) -> int:
        """Bytes of the weights and running state while the network predicts."""
        return self.memory.weights

    @property
    def activation_memory(self) -> int:
        """Bytes of the tensors that are live at once while the network predicts, at the peak."""
        return self.memory.activations

    @property
    def memory_traffic(self) -> int:
        """Bytes that are read and written while the network predicts, operation by operation."""
        return self.memory.traffic

    @property
    def training_memory(self) -> int | None:
        """Bytes while it is trained; None in a precision of inference alone."""
        return self.memory.training

    @cached_property
    def estimate(self) -> TimeEstimate | None:
        """How long it takes on the machine of the settings; None where they name none."""
        if self.settings.machine is None:
            return None
        from cnnkit.analysis.estimate import TimeEstimate  # only who asks pays for this import

        return TimeEstimate(self.settings.machine, self.memory)

    @property
    def inference_time(self) -> float | None:
        """Seconds of a call that predicts a batch; None where no machine is named."""
        return self.estimate.inference if self.estimate else None

    @property
    def training_time(self) -> float | None:
        """Seconds of a step of training; None as above, or where it is not defined."""
        return self.estimate.training if self.estimate else None

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
            "weight_memory": self.weight_memory,
            "activation_memory": self.activation_memory,
            "memory_traffic": self.memory_traffic,
            "training_memory": self.training_memory,
            "inference_time": self.inference_time,
            "training_time": self.training_time,
        }


@dataclass(frozen=True, slots=True, repr=False)
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
        scaling: The plan of a training on many devices, where it was asked for.
    """

    spec: Spec
    graph: Graph
    tree: LayerAnalysis
    totals: Totals
    findings: tuple[Finding, ...]
    settings: Settings = Settings()
    convention: ConventionCount | None = None
    scaling: Scaling | None = None

    def __repr__(self) -> str:
        output = show(self.output) if self.output else "?"
        findings = f"{len(self.findings)} finding{'' if len(self.findings) == 1 else 's'}"
        return (
            f"Analysis({self.name or 'network'}: {show(self.input)} → {output}, "
            f"{self.totals.parameters:,} parameters, {self.totals.macs:,} MACs, {findings})"
        )

    def _repr_html_(self) -> str:
        """The analysis as a notebook shows it."""
        # By its name: reports are above the analysis, and are loaded where one is shown.
        shown: str = import_module("cnnkit.report.notebook").analysis_html(self)
        return shown

    def to_frame(self, depth: int | None = None, library: Library | None = None) -> Any:
        """The layers down to ``depth`` levels as a data frame of pandas, or else of polars.

        Where a machine is named, with the seconds that each takes on it.

        Args:
            depth: The levels; None means all the way.
            library: Whose data frame it is, ``pandas`` or ``polars``.

        Raises:
            UsageError: None is installed, or not the one that is asked for.
        """
        layers = self.at_depth(depth)
        times = (
            {}
            if self.settings.machine is None
            else {
                f"{program}_time": [self.time_of(layer, program) for layer in layers]
                for program in get_args(Program)
            }
        )
        return frame(layers, library, times)

    @property
    def name(self) -> str | None:
        """The network's name."""
        return self.spec.name

    @property
    def input(self) -> Shape:
        """The shape of one example; of several inputs that of the first."""
        return self.spec.input

    @property
    def output(self) -> Shape | None:
        """The shape that the network gives, of several outputs the first; None where unknown."""
        return self.tree.output

    @property
    def layers(self) -> tuple[LayerAnalysis, ...]:
        """All layers that hold no others, in order. Their counts add up to the totals."""
        return tuple(self.tree.leaves()) if self.tree.children else ()

    @property
    def budgeted(self) -> dict[str, int]:
        """The totals as a budget bounds them.

        Memory for training is that of a batch of the recipe, where the spec has one; all else is
        as in ``totals``. What is not defined in the precision is not among them.
        """
        found: dict[str, int | None] = {name: getattr(self.totals, name) for name in TOTALS}
        if self.spec.train is not None:
            of_batch = replace(self.totals.memory, batch=self.spec.train.known_batch)
            found["training_memory"] = of_batch.training
        return {name: figure for name, figure in found.items() if figure is not None}

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.level != "error" for finding in self.findings)

    def at_depth(self, depth: int | None) -> tuple[LayerAnalysis, ...]:
        """The layers down to ``depth`` levels, each counted once; None means all the way."""
        return tuple(self.tree.leaves(depth)) if self.tree.children else ()

    def time_of(self, layer: LayerAnalysis, program: Program = "inference") -> float | None:
        """Seconds of a layer on the machine; None where no machine is named, or it is unknown."""
        estimate = self.totals.estimate
        return estimate.seconds(layer.nodes, program) if estimate and layer.known else None

    def to_dict(self, depth: int | None = None) -> dict[str, Any]:
        """The analysis as JSON shows it; every key is always there."""
        machine = self.settings.machine
        return {
            "format": FORMAT,
            "name": self.name,
            "input": list(self.input),
            "inputs": {name: list(shape) for name, shape in self.graph.inputs.items()},
            "outputs": {
                name: list(shape) if shape else None for name, shape in self.graph.given.items()
            },
            "layers": [self._layer(layer) for layer in self.at_depth(depth)],
            "totals": self.totals.to_dict(),
            "machine": None if machine is None else machine.to_dict(),
            "convention": asdict(self.convention) if self.convention else None,
            "scaling": self.scaling.to_dict() if self.scaling else None,
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def _layer(self, layer: LayerAnalysis) -> dict[str, Any]:
        times = {f"{program}_time": self.time_of(layer, program) for program in get_args(Program)}
        return {**layer.to_dict(), **times}


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
            "inputs": None,
            "outputs": None,
            "layers": [],
            "totals": None,
            "machine": None,
            "convention": None,
            "scaling": None,
            "findings": [finding.to_dict() for finding in self.findings],
        }
