"""A drawing in a page, without a script: a click on a map shows what is inside it.

Each layer that holds others has a drawing of its own below, which the browser opens when a link of
the drawing above leads into it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import show
from cnnkit.presentation.page import text
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

_ZOOMS = ("fit", "100 %", "150 %", "200 %")


def drawing_lines(analysis: Analysis, name: str, *, to_scale: bool = False) -> Iterator[str]:
    """The drawing of a network, and below it those of the layers that hold others.

    Args:
        analysis: The network.
        name: What its places in the page begin with; another for each network.
        to_scale: Whether the sides of maps are drawn in proportion.
    """
    about = f"The layers of {title(analysis)} as stacks of feature maps, {shapes(analysis)}"
    picture = picture_of([analysis], heading=False, to_scale=to_scale)
    page = _DrawingPage(analysis, name, to_scale)
    yield '<figure class="picture">'
    yield _zoom(f"{name}-zoom")
    yield page.painted(picture, about)
    yield "</figure>"
    yield from page.inside(picture)


def _zoom(name: str) -> str:
    """What chooses how large the drawing beside it is."""
    choices = "".join(
        f'<label><input type="radio" name="{text(name)}" value="{each}"'
        f"{' checked' if each == _ZOOMS[0] else ''}> {each}</label>"
        for each in _ZOOMS
    )
    return f'<fieldset class="zoom"><legend>zoom</legend>{choices}</fieldset>'


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

    def inside(self, picture: Picture) -> Iterator[str]:
        """The drawings of the layers that a drawing opens."""
        for group in picture.groups:
            layer = self.layers.get(group.opens)
            if layer is not None:
                yield from self._layer(layer)

    def _layer(self, layer: LayerAnalysis) -> Iterator[str]:
        picture = picture_inside(self.analysis, layer, to_scale=self.to_scale)
        path, kind = text(layer.path), text(kind_of(self.analysis, layer))
        output = show(layer.output) if layer.output else "?"
        about = f"Inside {layer.path}, {kind_of(self.analysis, layer)}"
        yield f'<details class="inside"><summary><b>{path}</b> {kind} '
        yield f'<span class="shape">{output}</span></summary>'
        # A link opens what it leads into, not what it leads to.
        yield f'<figure class="picture" id="{text(self._place(layer.path))}">'
        yield self.painted(picture, about)
        yield "</figure>"
        yield from self.inside(picture)
        yield "</details>"

    def _place(self, path: str) -> str:
        return f"{self.name}-{path}"


def _all(layer: LayerAnalysis) -> Iterator[LayerAnalysis]:
    """The layers in it that hold others."""
    for child in layer.children:
        if child.children:
            yield child
            yield from _all(child)
