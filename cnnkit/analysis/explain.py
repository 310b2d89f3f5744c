"""How each number of an analysis comes about, as a teacher writes it on the board.

The numbers are those of the graph's effects and of the totals; here they are only written out.
Every equation that is shown holds: ``3×7×7×3 + 3 = 444``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cnnkit.analysis.derivation import (
    Line,
    count_lines,
    field_lines,
    seen_line,
    shape_lines,
    sum_of,
)
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.receptive_field import Fields, first_fields
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.tree import folded, visible
from cnnkit.errors import Location
from cnnkit.layers.activation import Activation
from cnnkit.layers.base import Layer
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT, Node

# A sum of more terms than this is one that nobody reads: then it is that of the top layers.
_MAX_TERMS = 24


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the numbers of one operation, or at the end the totals, come about.

    Attributes:
        path: The operation's place in the network; empty for the totals.
        layer: The path of the layer that it belongs to, as ``Analysis.layers`` has it.
        kind: What it does.
        input: The shape that comes in, where known.
        output: The shape that goes out, where known.
        times: How many copies of it there are, in repeats whose copies are alike.
        location: Where the layer stands in the source.
        lines: The equations.
        activation: The function whose curve belongs here, where it is the first of its kind.
    """

    path: str
    layer: str
    kind: str
    input: Shape | None
    output: Shape | None
    times: int
    location: Location | None
    lines: tuple[Line, ...]
    activation: Activation | None = None


def explain(analysis: Analysis) -> tuple[Explanation, ...]:
    """An explanation of each operation, in order, and one of the totals."""
    layers = _Explainer(analysis).layers(analysis.tree) if analysis.tree.children else ()
    totals = Explanation(
        "", "", "totals", analysis.input, analysis.output, 1, None, tuple(_totals(analysis))
    )
    return (*layers, totals)


def explained(analysis: Analysis, layer: LayerAnalysis) -> Iterator[Explanation]:
    """The explanations of the operations of one layer alone."""
    return _Explainer(analysis).layers(layer)


class _Explainer:
    """What the explanations of all operations need: the graph and its receptive fields."""

    def __init__(self, analysis: Analysis) -> None:
        self.graph = analysis.graph
        self.fields = analysis.tree.seen
        self.estimate = analysis.totals.estimate
        self.shown: set[str] = set()

    def layers(self, layer: LayerAnalysis, times: int = 1) -> Iterator[Explanation]:
        """The operations of a layer; of copies that are alike, those of one."""
        if layer.children:
            copies = layer.times if folded(layer) else 1
            for child in visible(layer):
                yield from self.layers(child, times * copies)
            return
        for index in layer.nodes:
            node = self.graph.nodes[index]
            yield Explanation(
                node.path,
                layer.path,
                node.layer.title,
                self._shape(node.inputs[0]),
                node.output,
                times,
                layer.location,
                (*self._lines(node, self.fields[index]), *self._times(index)),
                self._first_of_its_kind(node.layer),
            )

    def _times(self, index: int) -> Iterator[Line]:
        if self.estimate is not None and self.graph.nodes[index].output is not None:
            from cnnkit.analysis.time_derivation import time_lines

            yield from time_lines(self.estimate, index)

    def _first_of_its_kind(self, layer: Layer) -> Activation | None:
        """An activation that has a curve, once for all that compute the same."""
        if not isinstance(layer, Activation) or layer.function(0.0) is None:
            return None
        if (computes := layer.kind + layer.equation) in self.shown:
            return None
        self.shown.add(computes)
        return layer

    def _lines(self, node: Node, after: Fields) -> Iterator[Line]:
        shapes = [self._shape(source) for source in node.inputs]
        inputs = [shape for shape in shapes if shape is not None]
        if node.output is None or len(inputs) < len(shapes):
            reasons = [problem.message for problem in node.effect.problems]
            yield Line("output", "; ".join(reasons) or "unknown, as what comes in is")
            return
        if isinstance(node.layer, Activation) and node.layer.formula:
            yield Line("f(x)", node.layer.equation)
        yield from shape_lines(node.layer, inputs, node.effect)
        yield from count_lines(node.layer, inputs, node.effect)
        if node.shares is not None:
            owner = self.graph.nodes[node.shares].path
            yield Line("weights", f"those of {owner}, which count there")
        if node.layer.sees_all and len(inputs[0]) > 1 and after:
            yield seen_line(after)
        elif len(set(node.inputs)) == 1:  # of several the largest is taken, with no formula
            first = node.inputs[0]
            before = self.fields[first] if first > INPUT else first_fields(self.graph, first)
            yield from field_lines(before, node.effect, after)

    def _shape(self, node: int) -> Shape | None:
        return self.graph.shape(node)


def _totals(analysis: Analysis) -> Iterator[Line]:
    """The sums over the layers, and the memory in words."""
    totals = analysis.totals

    def line(label: str, count: Callable[[LayerAnalysis], int]) -> Line:
        terms = list(filter(None, map(count, analysis.layers)))
        if len(terms) > _MAX_TERMS:
            terms = list(map(count, analysis.tree.children))
        return Line(label, sum_of(terms))

    yield line("neurons", lambda layer: layer.neurons)
    yield line("parameters", lambda layer: layer.parameters)
    if totals.state:
        yield line("state", lambda layer: layer.state)
    yield line("MACs", lambda layer: layer.macs)
    if totals.macs_without_heads != totals.macs:
        heads = totals.macs - totals.macs_without_heads
        text = f"{totals.macs:,} − {heads:,} = {totals.macs_without_heads:,}"
        yield Line("MACs without heads", text)
    yield Line("FLOPs", f"2·{totals.macs:,} = {totals.flops:,}", "2·MACs")
    yield line("activations", lambda layer: layer.activations)
    yield from _memory(analysis)
    if totals.estimate is not None:
        from cnnkit.analysis.time_derivation import total_lines

        yield from total_lines(totals.estimate, analysis.settings)
    if analysis.scaling is not None:
        from cnnkit.analysis.scaling.equations import equations

        yield from equations(analysis.scaling)


def _memory(analysis: Analysis) -> Iterator[Line]:
    """The bytes of inference and training, with what they are of."""
    totals, settings = analysis.totals, analysis.settings
    setting = f"for batch {settings.batch:,} in {settings.precision}"
    yield Line(
        "inference memory",
        f"{totals.weight_memory:,} + {totals.activation_memory:,} = {totals.inference_memory:,} "
        f"bytes: the weights, and the tensors that are live at once at the peak, {setting}",
    )
    yield Line(
        "memory traffic",
        f"{totals.memory_traffic:,} bytes: what each operation reads, inputs and weights, and "
        f"writes, {setting}",
    )
    if totals.training_memory is None:
        bits = settings.precision.removeprefix("int")
        yield Line(
            "quantized",
            f"kernels and tensors in {bits} bits{', two to a byte' if bits == '4' else ''}; biases "
            "and norms in 4 bytes an element; scales and zero points left out",
        )
        yield Line("training memory", f"not defined: {settings.precision} is for inference alone")
        return
    held = "are live at once in the forward pass"
    if totals.memory.saves_most:
        held = "the backward pass reads again"
    yield Line(
        "training memory",
        f"{totals.training_memory:,} bytes: the weights, their gradients, what "
        f"{settings.optimizer} keeps of them, and the tensors that {held}, {setting}",
    )
