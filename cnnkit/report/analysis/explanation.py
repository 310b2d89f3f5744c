"""The derivation of each number as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cnnkit.analysis.explain import Explanation, explain
from cnnkit.analysis.symbols import LETTERS
from cnnkit.layers.shape import show
from cnnkit.presentation.curve import curve
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
    explanations = explain(analysis)
    if letters := letters_of(explanations):
        yield from ([Piece(line, "dim italic")] for line in letters)
        yield []
    for number, explanation in enumerate(explanations):
        if number:
            yield []
        place, what = heading(explanation)
        yield [Piece(place, "bold"), Piece(f"  {what}")]
        for line in explanation.lines:
            yield [Piece(f"  {line.label}: ", "cyan"), Piece(printable(line.equation))]
        yield from ([Piece(f"    {row}", "green")] for row in curve_of(explanation))


def letters_of(explanations: Iterable[Explanation]) -> tuple[str, ...]:
    """What the letters stand for, where formulas have any."""
    formulas = (line.formula for each in explanations for line in each.lines)
    return LETTERS if any(formula and formula[0] in "(⌊⌈" for formula in formulas) else ()


def curve_of(explanation: Explanation) -> list[str]:
    """The curve of its function, in lines; none where it has none."""
    activation = explanation.activation
    return [] if activation is None else curve(lambda x: activation.function(x) or 0.0)
