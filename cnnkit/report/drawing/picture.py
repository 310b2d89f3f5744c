"""The picture of networks, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.presentation.numbers import plural
from cnnkit.report.analysis.summary import shapes, title
from cnnkit.report.drawing.layout import MARGIN, Picture
from cnnkit.report.drawing.parts import DrawnNetwork
from cnnkit.report.drawing.scale import LOGARITHMIC, MapScale

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import Result


def picture_of(
    results: Sequence[Result],
    *,
    heading: bool = True,
    depth: int = 1,
    to_scale: bool = False,
) -> Picture:
    """The networks as shapes.

    Args:
        results: What is drawn.
        heading: Whether names and totals stand above.
        depth: The levels down to which blocks are opened; copies that are alike stay one map.
        to_scale: Whether sides are drawn in proportion, those of one network to each other.
    """
    picture = Picture()
    for result in results:
        if heading:
            picture.heading(title(result), summary(result))
        if isinstance(result, Analysis):
            scale = scale_of(result) if to_scale else LOGARITHMIC
            picture.add(DrawnNetwork(result, depth, scale).of_network())
        else:
            picture.height += MARGIN
    return picture


def picture_inside(analysis: Analysis, layer: LayerAnalysis, *, to_scale: bool = False) -> Picture:
    """What is inside a layer, as shapes."""
    picture = Picture()
    scale = scale_of(analysis) if to_scale else LOGARITHMIC
    picture.add(DrawnNetwork(analysis, 1, scale).of_layer(layer))
    return picture


def about_picture(results: Sequence[Result]) -> str:
    """What the picture shows, for who cannot see it."""
    return "Architecture of " + ", ".join(map(title, results))


def scale_of(analysis: Analysis) -> MapScale:
    """A scale on which the largest map of a network is as large as a map may be drawn."""
    nodes = [node.output for node in analysis.graph.nodes if node.output]
    found = [*analysis.graph.inputs.values(), *nodes]
    maps = [shape for shape in found if len(shape) > 1]
    return MapScale(
        max((max(shape[:-1]) for shape in maps), default=1),
        max((shape[-1] for shape in maps), default=1),
        max((shape[0] for shape in found if len(shape) == 1), default=1),
    )


def summary(result: Result) -> str:
    """A network's shapes and totals in a line."""
    if not isinstance(result, Analysis):
        return "cannot be read: " + plural(len(result.findings), "finding")
    totals = result.totals
    counts = [plural(totals.neurons, "neuron"), plural(totals.parameters, "parameter")]
    return " · ".join([shapes(result), *counts, f"{totals.macs:,} MACs"])
