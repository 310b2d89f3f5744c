"""The architecture as a picture: feature maps as stacked slabs, left to right.

One drawing for each top-level layer, so that a deep net with blocks stays readable. Layers that
keep the shape (a norm, an activation) are named below the map that they work on. The text needs
no font but the viewer's own, and the file nothing outside itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.analysis.result import Analysis, LayerAnalysis
from cnnkit.layers.base import Shape, show
from cnnkit.report.rows import kind_of
from cnnkit.report.summary import shapes, title
from cnnkit.report.text import plural, printable, short

if TYPE_CHECKING:
    from cnnkit.report.options import Options, Result

_WIDTH = 1200
_MARGIN = 32
_GAP = 44
_LINE = 16
_TALLEST = 132
# More drawings than this are no picture any more: the middle is left out.
_MOST = 60
_IN_PLACE = ("activation", "normalization", "regularization")
_COLORS = {
    "input": "#64748b",
    "convolution": "#2563eb",
    "dense": "#059669",
    "pooling": "#dc2626",
    "composition": "#7c3aed",
    "shaping": "#a16207",
    "resample": "#0891b2",
}
_STYLE = """
.page{fill:#fff}
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#334155}
.name{font-size:18px;font-weight:600;fill:#0f172a}
.path{font-weight:600;fill:#0f172a}
.shape{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:11px}
.quiet{fill:#64748b}
.arrow{stroke:#94a3b8;fill:none;stroke-width:1.5}
.head{fill:#94a3b8}
.slab{stroke:#fff;stroke-width:1}
.side .slab{stroke:#64748b;stroke-dasharray:3 2;fill-opacity:.45}
.unknown .slab{fill:none;stroke:#dc2626;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){
.page{fill:#0f172a}
text{fill:#cbd5e1}
.name,.path{fill:#f1f5f9}
.quiet{fill:#94a3b8}
.arrow{stroke:#64748b}
.head{fill:#64748b}
.slab{stroke:#0f172a}
}
"""


@dataclass(slots=True)
class _Drawing:
    """One map, and what is written below it."""

    path: str
    shape: Shape | None
    family: str
    lines: list[str]
    tips: list[str]
    parameters: int = 0
    side: bool = False
    x: int = 0
    extra: list[str] = field(default_factory=list)

    @property
    def slabs(self) -> int:
        """How many maps are drawn one behind the other: by the logarithm of the channels."""
        if self.shape is None or len(self.shape) < 2:
            return 1
        return min(1 + self.shape[-1].bit_length(), 14) if self.shape[-1] > 1 else 1

    @property
    def extents(self) -> tuple[int, int]:
        """Width and height of one slab, by the logarithm of the extents."""
        if self.shape is None:
            return 48, 48
        if len(self.shape) == 1:
            return 14, _length(self.shape[0])
        if len(self.shape) == 2:
            return _length(self.shape[0]), 14
        return _length(self.shape[-2]), _length(self.shape[-3])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the stack."""
        width, height = self.extents
        spread = 4 * (self.slabs - 1)
        return width + spread, height + spread

    @property
    def width(self) -> int:
        """Columns that the drawing and its words need."""
        words = [self.path, *self.lines, *self.extra]
        return max(self.size[0], *(math.ceil(6.6 * len(word)) for word in words))


def _length(extent: int) -> int:
    return min(12 + round(13 * math.log2(extent)), _TALLEST)
