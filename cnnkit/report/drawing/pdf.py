"""A drawing as a PDF of one page, of the picture's size."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cnnkit.errors import UsageError
from cnnkit.report.drawing.colors import ARROW, UNKNOWN, colors_of, ink_of
from cnnkit.report.drawing.layout import Arrow, Picture, Stack, TextLine

if TYPE_CHECKING:
    from fpdf import FPDF

_POINTS = 0.75
"""Of a pixel."""
_FONTS = {
    "name": ("Helvetica", "B", 18),
    "path": ("Helvetica", "B", 12),
    "shape": ("Courier", "", 11),
}
_WORDS = ("Helvetica", "", 12)
# The fonts that every reader of PDF has know Latin-1 alone.
_SPELT = str.maketrans({"→": "->", "−": "-", "†": "+", "Σ": "sum ", "⋯": "...", "…": "..."})


def paint(picture: Picture, about: str) -> bytes:
    """The file: shapes and text, no picture of pixels.

    Raises:
        UsageError: fpdf2 is not installed.
    """
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise UsageError(
            "a PDF needs fpdf2: `pip install 'cnnkit[pdf]'`, or draw --format svg or tikz"
        ) from error
    size = (picture.width * _POINTS, picture.height * _POINTS)
    document = FPDF(orientation="P", unit="pt", format=size)
    document.set_creation_date(datetime.fromtimestamp(0, UTC))  # the same picture, the same bytes
    document.set_title(about)
    document.set_auto_page_break(False)
    document.set_line_width(_POINTS)
    document.add_page()
    for group in picture.groups:
        for shape in group.shapes:
            _paint(document, shape)
    return bytes(document.output())


def _paint(document: FPDF, shape: TextLine | Stack | Arrow) -> None:
    if isinstance(shape, TextLine):
        _write(document, shape)
    elif isinstance(shape, Stack):
        fill, outline = colors_of(shape.family)
        document.set_fill_color(fill)
        document.set_draw_color(UNKNOWN if shape.unknown else outline)
        if shape.unknown:
            document.set_dash_pattern(4 * _POINTS, 3 * _POINTS)
        for corners in shape.outlines:
            points = [(x * _POINTS, y * _POINTS) for x, y in corners]
            document.polygon(points, style="D" if shape.unknown else "DF")
        document.set_dash_pattern()
    else:
        document.set_draw_color(ARROW)
        document.polyline([(x * _POINTS, y * _POINTS) for x, y in shape.points])
        if shape.head:
            x, y = shape.points[-1]
            document.set_fill_color(ARROW)
            corners = ((x, y), (x - 7, y - 4), (x - 7, y + 4))
            document.polygon([(x * _POINTS, y * _POINTS) for x, y in corners], style="F")


def _write(document: FPDF, words: TextLine) -> None:
    family, style, size = _FONTS.get(words.style, _WORDS)
    document.set_font(family, style, size * _POINTS)
    document.set_text_color(ink_of(words.style))
    text = words.text.translate(_SPELT).encode("latin-1", "replace").decode("latin-1")
    x = words.x * _POINTS
    if words.anchor == "middle":
        x -= document.get_string_width(text) / 2
    document.text(x, words.y * _POINTS, text)
