"""The colours of a drawing: the fill and the outline of each family's maps."""

from __future__ import annotations

from typing import Final

COLORS: Final = {
    "input": ("#e2e8f0", "#64748b"),
    "convolution": ("#bfdbfe", "#1d4ed8"),
    "dense": ("#a7f3d0", "#047857"),
    "pooling": ("#fecaca", "#b91c1c"),
    "composition": ("#ddd6fe", "#6d28d9"),
    "shaping": ("#fde68a", "#a16207"),
}
"""They stand out on white and on a dark page; a family without a colour has the input's."""

UNKNOWN: Final = "#dc2626"
"""The dashed outline of what an error leaves unknown."""

INK: Final = {"name": "#0f172a", "path": "#0f172a", "quiet": "#64748b", "": "#334155"}
"""The colour of words by their style, on white; a style without one has that of the text."""

ARROW: Final = "#94a3b8"


def colors_of(family: str) -> tuple[str, str]:
    """The fill and the outline of a family."""
    return COLORS.get(family, COLORS["input"])


def ink_of(style: str) -> str:
    """The colour of words of a style."""
    return INK.get(style, INK[""])
