"""A sheet as a PDF of A4 pages, to print."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cnnkit.errors import UsageError
from cnnkit.exercises.sheet import Sheet
from cnnkit.exercises.sheets.numbers import shown
from cnnkit.exercises.words import speaker

if TYPE_CHECKING:
    from fpdf import FPDF

_LINE = 6.0  # millimetres
_KEPT_TOGETHER = 40.0


def render(sheet: Sheet, *, answers: bool) -> bytes:
    """The questions with a place for each answer, or with the answers worked out.

    Raises:
        UsageError: fpdf2 is not installed.
    """
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise UsageError(
            "a PDF needs fpdf2: `pip install 'cnnkit[exercises]'`, or print --format html"
        ) from error
    document = FPDF(format="A4")
    document.set_creation_date(datetime.fromtimestamp(0, UTC))  # the same sheet, the same bytes
    document.set_margin(20)
    document.add_page()
    say = speaker(sheet.language)
    asked = say("answer") + say("colon")
    _write(document, say("answers" if answers else "title"), size=18, style="B")
    _write(document, say("seed", seed=sheet.seed, level=sheet.level), size=9)
    for number, question in enumerate(sheet.questions, 1):
        if document.will_page_break(_KEPT_TOGETHER):
            document.add_page()
        document.ln(_LINE)
        _write(document, f"{number}. {question.text}")
        if not answers:
            _write(document, f"{asked} {'_' * 20}")
            continue
        _write(document, f"{asked} {shown(question, sheet.language)}", style="B")
        for step in question.steps:
            _write(document, step, size=10, family="Courier")
    return bytes(document.output())


def _write(
    document: FPDF, text: str, *, size: int = 11, style: str = "", family: str = "Helvetica"
) -> None:
    """Paragraphs; the fonts that every reader of PDF has know Latin-1 alone."""
    document.set_font(family, style, size)
    said = text.replace("−", "-").replace("≤", "<=").replace("≥", ">=")
    latin = said.encode("latin-1", "replace").decode("latin-1")
    document.multi_cell(0, _LINE, latin, new_x="LMARGIN", new_y="NEXT")
