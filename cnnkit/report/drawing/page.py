"""A drawing in a page, without a script: a click on a map shows what is inside it.

Each layer that holds others has a drawing of its own below, which the browser opens when a link of
the drawing above leads into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import show
from cnnkit.report.analysis.rows import kind_of
from cnnkit.report.analysis.summary import shapes, title
from cnnkit.report.drawing.layout import Picture
from cnnkit.report.drawing.picture import picture_inside, picture_of
from cnnkit.report.drawing.svg import STYLE, paint

PAGE_STYLE = f"""{STYLE}
.picture {{ position: relative; }}
.picture .drawing {{ display: block; max-width: 100%; height: auto; }}
.picture a {{ cursor: zoom-in; }}
.picture a:hover .stack, .picture a:focus .stack {{ stroke-width: 2.5; }}
.zoom {{ position: sticky; left: 0; margin: 0; padding: 6px 8px; border: 0; color: var(--quiet); }}
.zoom legend {{ float: left; margin-right: 8px; padding: 0; }}
.zoom label {{ margin-right: 8px; cursor: pointer; }}
.picture:has([value="100 %"]:checked) > .drawing {{ max-width: none; }}
.picture:has([value="150 %"]:checked) > .drawing {{ max-width: none; zoom: 1.5; }}
.picture:has([value="200 %"]:checked) > .drawing {{ max-width: none; zoom: 2; }}
.inside {{ margin: 8px 0 0; }}
.inside summary {{ padding: 4px 0; cursor: pointer; }}
.inside .inside {{ margin-left: 20px; }}
@media print {{ .zoom {{ display: none; }} }}
"""
"""The rules of pages with drawings, after those of all pages."""


class DrawnLayer(NamedTuple):
    """A layer that is opened, as the templates of pages show it.

    Attributes:
        path: The layer.
        kind: Its kind and options.
        output: The shape that it gives.
        place: The name of its drawing in the page.
        picture: The drawing, a whole SVG element.
        inside: The layers that it opens.
    """

    path: str
    kind: str
    output: str
    place: str
    picture: str
    inside: list[DrawnLayer]


class Drawn(NamedTuple):
    """The drawing of a network, as the templates of pages show it.

    Attributes:
        place: What its places in the page begin with.
        picture: The drawing, a whole SVG element.
        inside: The layers that it opens.
    """

    place: str
    picture: str
    inside: list[DrawnLayer]


def drawn(analysis: Analysis, place: str, *, to_scale: bool = False) -> Drawn:
    """The drawing of a network, and those of the layers that hold others.

    Args:
        analysis: The network.
        place: What its places in the page begin with; another for each network.
        to_scale: Whether the sides of maps are drawn in proportion.
    """
    about = f"The layers of {title(analysis)} as stacks of feature maps, {shapes(analysis)}"
    picture = picture_of([analysis], heading=False, to_scale=to_scale)
    page = _DrawingPage(analysis, place, to_scale)
    return Drawn(place, page.painted(picture, about), page.inside(picture))


class _DrawingPage:
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

    def inside(self, picture: Picture) -> list[DrawnLayer]:
        """The layers that a drawing opens."""
        opened = (self.layers.get(group.opens) for group in picture.groups)
        return [self._layer(layer) for layer in opened if layer is not None]

    def _layer(self, layer: LayerAnalysis) -> DrawnLayer:
        picture = picture_inside(self.analysis, layer, to_scale=self.to_scale)
        kind = kind_of(self.analysis, layer)
        return DrawnLayer(
            layer.path,
            kind,
            show(layer.output) if layer.output else "?",
            self._place(layer.path),
            self.painted(picture, f"Inside {layer.path}, {kind}"),
            self.inside(picture),
        )

    def _place(self, path: str) -> str:
        return f"{self.name}-{path}"


def _all(layer: LayerAnalysis) -> Iterator[LayerAnalysis]:
    """The layers in it that hold others."""
    for child in layer.children:
        if child.children:
            yield child
            yield from _all(child)
