"""The derivation of each number as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnkit.analysis.explain import Explanation, explain
from cnnkit.layers.shape import show
from cnnkit.presentation.lines import Line, Piece
from cnnkit.presentation.numbers import printable

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis


def heading(explanation: Explanation) -> tuple[str, str]:
    """Where an explanation belongs, and what happens there: ``conv 32x32x3 → 26x26x3``."""
    if not explanation.path:
        return "totals", ""
    shapes = [show(shape) if shape else "?" for shape in (explanation.input, explanation.output)]
    times = f", ×{explanation.times}" if explanation.times > 1 else ""
    return (
        printable(explanation.path),
        f"{printable(explanation.kind)} {' → '.join(shapes)}{times}",
    )


def explanation_lines(analysis: Analysis) -> Iterator[Line]:
    """Each operation's equations below its name, then those of the totals."""
    for number, explanation in enumerate(explain(analysis)):
        if number:
            yield []
        place, what = heading(explanation)
        yield [Piece(place, "bold"), Piece(f"  {what}")]
        for label, text in explanation.lines:
            yield [Piece(f"  {label}: ", "cyan"), Piece(printable(text))]
