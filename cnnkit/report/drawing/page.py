"""A drawing in a page, without a script: a click on a map shows what is inside it.

Each layer that holds others has a drawing of its own below, which the browser opens when a link of
the drawing above leads into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import show
from cnnkit.report.analysis.rows import kind_of
from cnnkit.report.analysis.summary import shapes, title
from cnnkit.report.drawing.layout import Picture
from cnnkit.report.drawing.picture import picture_inside, picture_of
from cnnkit.report.drawing.svg import paint


class PageDrawing(NamedTuple):
    """A drawing, and what is inside its maps.

    Attributes:
        place: Its place in the page, which links lead to.
        drawn: An SVG element.
        inside: The drawings of the layers that it opens.
        path: The layer that it is of; empty of the network.
        kind: The kind of that layer.
        output: The shape of its output.
    """

    place: str
    drawn: str
    inside: Sequence[PageDrawing]
    path: str = ""
    kind: str = ""
    output: str = ""


def drawing_of(analysis: Analysis, name: str, *, to_scale: bool = False) -> PageDrawing:
    """The drawing of a network, and those of the layers that hold others.

    Args:
        analysis: The network.
        name: What its places in the page begin with; another for each network.
        to_scale: Whether the sides of maps are drawn in proportion.
    """
    about = f"The layers of {title(analysis)} as stacks of feature maps, {shapes(analysis)}"
    picture = picture_of([analysis], heading=False, to_scale=to_scale)
    page = _Places(analysis, name, to_scale)
    return PageDrawing(name, page.painted(picture, about), page.inside(picture))


class _Places:
    """The places of the drawings of one network in a page."""

    def __init__(self, analysis: Analysis, name: str, to_scale: bool) -> None:
        self.analysis = analysis
        self.name = name
        self.to_scale = to_scale
        self.layers = {layer.path: layer for layer in _all(analysis.tree)}

    def painted(self, picture: Picture, about: str) -> str:
        """A drawing whose maps lead to what is inside them."""

        def target(path: str) -> str | None:
            return f"#{self._place(path)}" if path in self.layers else None

        return paint(picture, about, style=False, target=target)

    def inside(self, picture: Picture) -> list[PageDrawing]:
        """The drawings of the layers that a drawing opens."""
        opened = (self.layers.get(group.opens) for group in picture.groups)
        return [self._layer(layer) for layer in opened if layer is not None]

    def _layer(self, layer: LayerAnalysis) -> PageDrawing:
        picture = picture_inside(self.analysis, layer, to_scale=self.to_scale)
        kind = kind_of(self.analysis, layer)
        return PageDrawing(
            self._place(layer.path),
            self.painted(picture, f"Inside {layer.path}, {kind}"),
            self.inside(picture),
            layer.path,
            kind,
            show(layer.output) if layer.output else "?",
        )

    def _place(self, path: str) -> str:
        return f"{self.name}-{path}"


def _all(layer: LayerAnalysis) -> Iterator[LayerAnalysis]:
    """The layers in it that hold others."""
    for child in layer.children:
        if child.children:
            yield child
            yield from _all(child)
