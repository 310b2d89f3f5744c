"""The architecture as a picture in PDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnkit.report.drawing.pdf import paint
from cnnkit.report.drawing.picture import about_picture, picture_of

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import ReportOptions, Result


def render(results: Sequence[Result], options: ReportOptions) -> bytes:
    """One picture; of several specs, one below the other."""
    picture = picture_of(results, depth=options.depth or 1, to_scale=options.to_scale)
    return paint(picture, about_picture(results))
