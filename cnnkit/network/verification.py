"""Whether the analysis and the Flax module of a spec say the same, layer by layer.

The module is built and run in the abstract: nothing is allocated. Its shapes and arrays are
Flax's own, made from the fields of the layer, and its multiplications are counted from the traced
program; none of them from the analysis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import jax
from flax import nnx
from jax.extend.core import ClosedJaxpr

from cnnkit.errors import Location
from cnnkit.layers.convolution import Convolution
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.shape import Shape, show, total
from cnnkit.layers.window import Window
from cnnkit.network.build import build
from cnnkit.network.kernels import plain_only
from cnnkit.network.kernels.plain import padded_as_cells, surplus_before
from cnnkit.network.model import Batch, Network
from cnnkit.network.program import Work, work_by_scope
from cnnkit.spec.graph import Node

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis

FLOPS_TOLERANCE = 0.01
"""The part by which XLA's FLOPs of a layer may differ from ours."""

T = TypeVar("T")


@dataclass(frozen=True)
class FactPair(Generic[T]):
    """One fact, as the analysis has it and as the network does."""

    analysis: T
    network: T
    tolerance: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether both are the same, or within the tolerance where there is one."""
        if self.analysis == self.network:
            return True
        if not isinstance(self.analysis, int) or not isinstance(self.network, int):
            return False
        return math.isclose(self.analysis, self.network, rel_tol=self.tolerance)


@dataclass(frozen=True)
class LayerVerification:
    """One operation of the network, held to the analysis.

    Attributes:
        path: Its place in the spec.
        kind: What the report calls it.
        location: Its line, where the spec was read from a text.
        output: The shape that goes out, as text.
        weights: Its arrays, as text: names with their shapes, ``state`` marked.
        parameters: Its trained elements.
        state: Its running statistics.
        macs: Its multiplications, padding counted.
        flops: XLA's FLOPs, without the multiplications by padding.
    """

    path: str
    kind: str
    location: Location | None
    output: FactPair[str]
    weights: FactPair[str]
    parameters: FactPair[int]
    state: FactPair[int]
    macs: FactPair[int]
    flops: FactPair[int]

    def facts(self) -> dict[str, FactPair[Any]]:
        """What is compared."""
        names = ("output", "weights", "parameters", "state", "macs", "flops")
        return {name: getattr(self, name) for name in names}

    @property
    def mismatches(self) -> dict[str, FactPair[Any]]:
        """What differs."""
        return {name: pair for name, pair in self.facts().items() if not pair.agrees}


@dataclass(frozen=True)
class Verification:
    """The comparison of a spec.

    Attributes:
        analysis: The analysis.
        layers: Each operation.
        strays: Paths of arrays and of multiplications that belong to no layer.
    """

    analysis: Analysis
    layers: tuple[LayerVerification, ...]
    strays: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether all agree."""
        return not self.strays and not any(layer.mismatches for layer in self.layers)

    def totals(self) -> dict[str, FactPair[int]]:
        """The sums over all operations."""
        names = ("parameters", "state", "macs", "flops")
        tolerances = {"flops": FLOPS_TOLERANCE}
        return {
            name: FactPair(
                sum(getattr(layer, name).analysis for layer in self.layers),
                sum(getattr(layer, name).network for layer in self.layers),
                tolerances.get(name, 0.0),
            )
            for name in names
        }


def verify(analysis: Analysis) -> Verification:
    """Compares the analysis of a spec with its network, in the abstract.

    Raises:
        SpecError: The spec has findings of level error.
        LayerError: A layer cannot be built or applied.
    """
    network = nnx.eval_shape(lambda: build(analysis.spec))
    return compare(analysis, network)


def compare(analysis: Analysis, network: Network) -> Verification:
    """Compares an analysis with a network, which may be abstract."""
    shapes, program = traced(network)
    arrays = arrays_of(network)
    works = work_by_scope(program)
    nodes, run = analysis.graph.nodes, analysis.graph.as_run
    layers = tuple(
        _layer(
            node._replace(effect=node.effect._replace(macs=whole.effect.macs)),
            shapes.get(node.path),
            arrays.pop(node.path, {}),
            works.pop(node.path, Work()),
            [run.shape(source) or () for source in node.inputs],
        )
        for whole, node in zip(nodes, run.nodes, strict=True)
    )
    unmatched = {node.path for node in nodes} ^ set(shapes)
    return Verification(analysis, layers, tuple(sorted({*unmatched, *arrays, *works})))


def traced(network: Network) -> tuple[dict[str, Shape], ClosedJaxpr]:
    """The shape that each operation gives, and the program of a batch of one in training."""
    graphdef, params, stats = network.parts()

    def run(params: Any, stats: Any, x: Batch, key: jax.Array) -> dict[str, jax.Array]:
        copy: Network = nnx.merge(graphdef, params, stats)
        return copy.activations(x, train=True, key=key)

    example = network.batch_of(1)
    key = jax.eval_shape(lambda: jax.random.key(0))
    with plain_only():  # a faster way to compute a layer may multiply more, or out of sight
        program, outputs = jax.make_jaxpr(run, return_shape=True)(params, stats, example, key)
    return {path: tuple(y.shape[1:]) for path, y in outputs.items()}, program


def arrays_of(network: Network) -> dict[str, dict[str, tuple[Shape, bool]]]:
    """By the path of each layer the names, shapes and trainability of its arrays."""
    found: dict[str, dict[str, tuple[Shape, bool]]] = {}
    for place, variable in nnx.to_flat_state(nnx.state(network)):
        *path, name = map(str, place)
        trained = isinstance(variable, nnx.Param)
        found.setdefault(".".join(path), {})[name] = (variable.shape, trained)
    return found


def _layer(
    node: Node,
    output: Shape | None,
    arrays: dict[str, tuple[Shape, bool]],
    work: Work,
    inputs: Sequence[Shape],
) -> LayerVerification:
    transposed = node.layer.kind == "transposed_conv"
    weights = {each.name: (each.shape, each.trainable) for each in node.effect.weights}
    return LayerVerification(
        node.path,
        node.layer.title,
        node.layer.place.find(()) if node.layer.place else None,
        FactPair(_shown(node.output), _shown(output)),
        FactPair(_listed(weights), _listed(arrays)),
        FactPair(_elements(weights, trained=True), _elements(arrays, trained=True)),
        FactPair(_elements(weights, trained=False), _elements(arrays, trained=False)),
        FactPair(total(node.effect.macs), work.scattered if transposed else work.gathered),
        FactPair(_flops_inside(node, inputs), work.flops, FLOPS_TOLERANCE),
    )


def _shown(shape: Shape | None) -> str:
    return "none" if shape is None else show(shape)


def _listed(arrays: dict[str, tuple[Shape, bool]]) -> str:
    parts = [
        f"{name} {show(shape)}{'' if trained else ' (state)'}"
        for name, (shape, trained) in sorted(arrays.items())
    ]
    return ", ".join(parts) or "none"


def _elements(arrays: dict[str, tuple[Shape, bool]], *, trained: bool) -> int:
    return sum(math.prod(shape) for shape, kept in arrays.values() if kept is trained)


def _flops_inside(node: Node, inputs: Sequence[Shape]) -> int:
    """Twice the multiplications that do not meet padding, as XLA counts them."""
    macs, layer, windows = total(node.effect.macs), node.layer, node.effect.windows
    shared = isinstance(layer, Convolution) and layer.kind != "locally_connected"
    if not shared or not windows:  # a matrix product is told of no padding
        return 2 * macs
    filled = isinstance(layer, Convolution) and layer.padding_mode != "zeros"
    for window, extent in zip(windows, inputs[0], strict=False):
        if isinstance(window, TransposedWindow):
            more = surplus_before(window.size, window.stride, window.dilation, window.before)
            whole, before = window.output + more, window.before - more
            inside = _inside(window, whole, extent, before=before)
            macs = macs // (extent * window.size) * inside
        elif filled or padded_as_cells(
            window.size, window.stride, window.dilation, window.before
        ):  # the padding is part of the input by then
            whole = window.before + extent + window.after
            inside = _inside(window, whole, window.output, before=0)
            macs = macs // (window.output * window.size) * inside
        else:
            inside = _inside(window, extent, window.output)
            macs = macs // (window.output * window.size) * inside
    return 2 * macs


def _inside(
    window: Window | TransposedWindow, extent: int, positions: int, before: int | None = None
) -> int:
    """Pairs of a position and a cell of its window that lies in an extent, not in its padding."""
    padding = window.before if before is None else before
    pairs = 0
    for cell in range(window.size):
        shift = padding - window.dilation * cell  # the cell lies at position·stride − shift
        first = max(0, -(-shift // window.stride))
        last = min(positions - 1, (extent - 1 + shift) // window.stride)
        pairs += max(0, last - first + 1)
    return pairs
