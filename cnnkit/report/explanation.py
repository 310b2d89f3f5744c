"""The derivation of each number as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnkit.analysis.explain import Explanation, explain
from cnnkit.layers.base import show
from cnnkit.report.text import printable

if TYPE_CHECKING:
    from rich.text import Text

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


def explanation_text(analysis: Analysis) -> str:
    """Each layer's equations below its name, then those of the totals."""
    return styled(analysis).plain


def styled(analysis: Analysis) -> Text:
    """The same text with the styles of a terminal."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ignore")
    for number, explanation in enumerate(explain(analysis)):
        place, what = heading(explanation)
        text.append("\n\n" if number else "").append(place, "bold").append(f"  {what}".rstrip())
        for line in explanation.lines:
            text.append("\n  ").append(f"{line.label}: ", "cyan").append(printable(line.text))
    return text
