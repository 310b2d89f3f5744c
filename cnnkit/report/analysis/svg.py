"""The architecture as a picture in SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnkit.report.drawing.picture import about_picture, picture_of
from cnnkit.report.drawing.svg import paint

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import ReportOptions, Result


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """One picture; of several specs, one below the other."""
    return draw(results, depth=options.depth or 1, to_scale=options.to_scale)


def draw(
    results: Sequence[Result], *, heading: bool = True, depth: int = 1, to_scale: bool = False
) -> str:
    """The picture, with or without the names and totals of the networks.

    Args:
        results: What is drawn.
        heading: Whether names and totals stand above.
        depth: The levels down to which blocks are opened; copies that are alike stay one map.
        to_scale: Whether the sides of maps are drawn in proportion.
    """
    picture = picture_of(results, heading=heading, depth=depth, to_scale=to_scale)
    return paint(picture, about_picture(results))
