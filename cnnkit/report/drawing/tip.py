"""What is said of a layer where the pointer rests: its place, shapes, share and formulas."""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.analysis.explain import explained
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import show
from cnnkit.presentation.numbers import percent, plural, printable

_LEFT_OUT = (" operations", "neurons", "activations", "receptive field")
"""Lines that are no news beside the counts."""


def tip(analysis: Analysis, layer: LayerAnalysis, kind: str) -> str:
    """Lines on a layer: its figures first."""
    shapes = " → ".join(show(end) if end else "?" for end in (layer.input, layer.output))
    text = f"{printable(layer.path)}: {kind}, {shapes}"
    counts = {"neuron": layer.neurons, "parameter": layer.parameters, "MAC": layer.macs}
    known = layer.known
    figures = (plural(count, noun) for noun, count in counts.items() if count and known)
    return "\n".join([", ".join([text, *figures]), *_further(analysis, layer)])


def _further(analysis: Analysis, layer: LayerAnalysis) -> Iterator[str]:
    if (where := layer.location) is not None:
        yield f"line {where.line}"
    totals = analysis.totals
    shares = [
        f"{percent(count / total, 1)} of the {name}"
        for name, count, total in (
            ("parameters", layer.parameters, totals.parameters),
            ("MACs", layer.macs, totals.macs),
        )
        if count and layer.known
    ]
    if shares:
        yield ", ".join(shares)
    if layer.children or not layer.known:
        return
    for explanation in explained(analysis, layer):
        for line in explanation.lines:
            if line.formula and not any(line.label.endswith(end) for end in _LEFT_OUT):
                yield f"{line.label}: {printable(line.equation)}"
