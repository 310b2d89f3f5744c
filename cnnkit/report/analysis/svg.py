"""The architecture as a picture: feature maps as stacked slabs, left to right.

One drawing for each top-level layer, so that a deep net with blocks stays readable. Layers that
keep the shape (a norm, an activation) are named below the map that they work on. The text needs
no font but the viewer's own, and the file nothing outside itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.tree import folded
from cnnkit.layers.block import Block
from cnnkit.layers.shape import Shape, show
from cnnkit.presentation.numbers import plural, printable, short
from cnnkit.report.analysis.rows import kind_of
from cnnkit.report.analysis.summary import shapes, title
from cnnkit.spec.graph import INPUT

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import ReportOptions, Result

_WIDEST = 1200
_NARROWEST = 480
_MARGIN = 32
_GAP = 44
_LINE = 16
_CHARACTER = 6.6
_OFFSET = 4
_TALLEST = 132
_MOST_LINES = 5
# Stands for the right edge until the width of the page is known.
_EDGE = "@edge@"
# More drawings than this are no picture any more: the middle is left out.
_MOST = 60
_IN_PLACE = ("activation", "normalization", "regularization")
# The fill and the outline of a family's maps; they stand out on white and on a dark page.
_COLORS = {
    "input": ("#e2e8f0", "#64748b"),
    "convolution": ("#bfdbfe", "#1d4ed8"),
    "dense": ("#a7f3d0", "#047857"),
    "pooling": ("#fecaca", "#b91c1c"),
    "composition": ("#ddd6fe", "#6d28d9"),
    "shaping": ("#fde68a", "#a16207"),
}
_FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'
_STYLE = f"""
.page{{fill:#fff}}
text{{font:12px {_FONT};fill:#334155}}
.name{{font-size:18px;font-weight:600;fill:#0f172a}}
.path{{font-weight:600;fill:#0f172a}}
.shape{{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:11px}}
.quiet{{fill:#64748b}}
.arrow{{stroke:#94a3b8;fill:none;stroke-width:1.5}}
.head{{fill:#94a3b8}}
.unknown rect{{fill:none;stroke:#dc2626;stroke-dasharray:4 3}}
@media (prefers-color-scheme:dark){{
.page{{fill:#0f172a}}
text{{fill:#cbd5e1}}
.name,.path{{fill:#f1f5f9}}
.quiet{{fill:#94a3b8}}
.arrow{{stroke:#64748b}}
.head{{fill:#64748b}}
}}
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
    # Whether it goes on from a map further back, so that no arrow leads to it from the last one.
    begins: bool = False

    @property
    def slabs(self) -> int:
        """How many maps lie one behind the other: by the logarithm of the channels."""
        if self.shape is None or len(self.shape) == 1 or self.shape[-1] == 1:
            return 1
        return min(1 + self.shape[-1].bit_length(), 14)

    @property
    def slab(self) -> tuple[int, int]:
        """Width and height of one map, by the logarithm of its extents."""
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
        width, height = self.slab
        spread = _OFFSET * (self.slabs - 1)
        return width + spread, height + spread

    @property
    def words(self) -> list[tuple[str, str]]:
        """The lines below it, each with its class."""
        shape = show(self.shape) if self.shape else "?"
        parameters = [(f"{short(self.parameters)} parameters", "quiet")] if self.parameters else []
        return [
            (self.path, "path"),
            *((line, "") for line in self.lines),
            (shape, "shape"),
            *parameters,
        ]

    @property
    def width(self) -> int:
        """What it takes of a row, words included."""
        words = (math.ceil(_CHARACTER * len(text)) for text, _ in self.words)
        return max(self.size[0], *words)


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """One picture; of several specs, one below the other."""
    return draw(results, depth=options.depth or 1)


def draw(results: Sequence[Result], *, heading: bool = True, depth: int = 1) -> str:
    """The picture, with or without the names and totals of the networks.

    Args:
        results: What is drawn.
        heading: Whether names and totals stand above.
        depth: The levels down to which blocks are opened; copies that are alike and branches stay
            one box each.
    """
    parts: list[str] = []
    width, top = _NARROWEST, 0
    for result in results:
        rows = _rows(_drawings(result, depth)) if isinstance(result, Analysis) else []
        width = max(width, *(_row_width(row) + 2 * _MARGIN for row in rows), 0)
        picture, top = _picture(result, rows, top, heading=heading)
        parts += picture
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
        f'viewBox="0 0 {width} {top}" role="img" aria-label="{escape(_about(results))}">\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="page" width="{width}" height="{top}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    ).replace(_EDGE, str(width - _MARGIN // 2))


def _about(results: Sequence[Result]) -> str:
    return "Architecture of " + ", ".join(map(title, results))


def _length(extent: int) -> int:
    return min(12 + round(13 * math.log2(extent)), _TALLEST)


def _drawings(analysis: Analysis, depth: int) -> list[_Drawing]:
    """What is drawn: the input, then each layer that makes a map of its own."""
    name = next(iter(analysis.graph.inputs))
    drawings = [_Drawing(name, analysis.input, "input", [], [f"{name} {show(analysis.input)}"])]
    for layer in _opened(analysis.tree.children, depth):
        last = drawings[-1]
        kind, family = _what(analysis, layer)
        if layer.side:
            last.lines.append(f"† {kind}, {short(layer.parameters)} parameters")
        elif (
            family in _IN_PLACE
            and layer.kind != "load"
            and layer.known
            and layer.output == last.shape
        ):
            last.lines.append(kind)
            last.parameters += layer.parameters
        else:
            place = layer.label if depth == 1 else layer.path.removeprefix("layers.")
            path = printable(place.removesuffix(f".{layer.kind}"))
            drawings.append(_Drawing(path, layer.output, family, [kind], [], layer.parameters))
            drawings[-1].begins = layer.kind == "load"
        drawings[-1].tips.append(_tip(layer, kind))
    for drawing in drawings:
        if len(drawing.lines) > _MOST_LINES:
            more = len(drawing.lines) - _MOST_LINES + 1
            drawing.lines[_MOST_LINES - 1 :] = [f"and {more} more"]
    if len(drawings) > _MOST:
        half = _MOST // 2
        left_out = _Drawing("⋯", None, "more", [f"{len(drawings) - 2 * half} more"], [])
        drawings[half:-half] = [left_out]
    return drawings


def _opened(layers: Iterable[LayerAnalysis], depth: int) -> Iterator[LayerAnalysis]:
    """The layers, in place of a block those inside it."""
    for layer in layers:
        sequence = isinstance(layer.layer, Block) or (layer.kind == "repeat" and not folded(layer))
        if depth > 1 and layer.children and sequence:
            yield from _opened(layer.children, depth - 1)
        else:
            yield layer


def _what(analysis: Analysis, layer: LayerAnalysis) -> tuple[str, str]:
    """A layer's kind with its window, and its family."""
    kind = printable(kind_of(analysis, layer))
    if layer.kind == "load" and layer.group.tensor <= INPUT:
        return f"input {[*analysis.graph.inputs][INPUT - layer.group.tensor]}", "input"
    if layer.children or not layer.nodes:
        passed_on = layer.known and not layer.children and layer.output == layer.input
        return kind, _IN_PLACE[0] if passed_on else "composition"
    node = analysis.graph.nodes[layer.nodes[0]]
    if windows := node.effect.windows:
        window = show([window.size for window in windows])
        strides = [window.stride for window in windows]
        if max(strides) > 1:
            window += f" /{strides[0] if len(set(strides)) == 1 else show(strides)}"
        kind = kind.replace(layer.kind, f"{layer.kind} {window}", 1)
    return kind, node.layer.family


def _tip(layer: LayerAnalysis, kind: str) -> str:
    shape = " → ".join(show(end) if end else "?" for end in (layer.input, layer.output))
    text = f"{printable(layer.path)}: {kind}, {shape}"
    if not layer.known:
        return text
    counts = {"neuron": layer.neurons, "parameter": layer.parameters, "MAC": layer.macs}
    return ", ".join([text, *(plural(count, noun) for noun, count in counts.items() if count)])


def _rows(drawings: Sequence[_Drawing]) -> list[list[_Drawing]]:
    """The drawings in rows that fit on the page."""
    rows: list[list[_Drawing]] = [[]]
    for drawing in drawings:
        if rows[-1] and _row_width([*rows[-1], drawing]) > _WIDEST - 2 * _MARGIN:
            rows.append([])
        rows[-1].append(drawing)
    return rows


def _row_width(row: Sequence[_Drawing]) -> int:
    return sum(drawing.width for drawing in row) + _GAP * (len(row) - 1)


def _picture(
    result: Result, rows: Sequence[Sequence[_Drawing]], top: int, *, heading: bool
) -> tuple[list[str], int]:
    """One network from ``top`` on, and where it ends."""
    parts = []
    y = top + _MARGIN
    if heading:
        parts.append(_text(_MARGIN, y + 12, title(result), "name", "start"))
        parts.append(_text(_MARGIN, y + 34, _summary(result), "quiet", "start"))
        y += 62
    start: tuple[int, int] | None = None
    for row in rows:
        tallest = max(drawing.size[1] for drawing in row)
        axis, x = y + tallest // 2, _MARGIN
        for drawing in row:
            middle = x + drawing.width // 2
            left = middle - drawing.size[0] // 2
            if start is not None and not drawing.begins:
                parts.append(_arrow(start, (left - 6, axis), y - _GAP // 2))
            parts.append(_drawn(drawing, middle, axis, y + tallest + 24))
            start = (left + drawing.size[0] + 6, axis)
            x += drawing.width + _GAP
        y += tallest + 24 + _LINE * max(len(drawing.words) for drawing in row) + _GAP
    return parts, y - _GAP + _MARGIN // 2 if rows else y


def _summary(result: Result) -> str:
    if not isinstance(result, Analysis):
        return "cannot be read: " + plural(len(result.findings), "finding")
    totals = result.totals
    counts = [plural(totals.neurons, "neuron"), plural(totals.parameters, "parameter")]
    return " · ".join([shapes(result), *counts, f"{totals.macs:,} MACs"])


def _drawn(drawing: _Drawing, middle: int, axis: int, below: int) -> str:
    """A stack of maps round the axis, the words below, and all its figures as the title."""
    width, height = drawing.slab
    left, top = middle - drawing.size[0] // 2, axis - drawing.size[1] // 2
    fill, outline = _COLORS.get(drawing.family, _COLORS["input"])
    slabs = [
        f'<rect x="{left + _OFFSET * number}" '
        f'y="{top + _OFFSET * (drawing.slabs - 1 - number)}" '
        f'width="{width}" height="{height}" rx="2" '
        f'fill="{fill}" stroke="{outline}"/>'
        for number in reversed(range(drawing.slabs))
    ]
    if drawing.family == "more":
        slabs = []
    words = [
        _text(middle, below + _LINE * number, text, style)
        for number, (text, style) in enumerate(drawing.words)
        if text != "?" or drawing.family != "more"
    ]
    unknown = ' class="unknown"' if drawing.shape is None else ""
    tip = escape("\n".join(drawing.tips))
    return f"<g{unknown}><title>{tip}</title>{''.join([*slabs, *words])}</g>"


def _text(x: int, y: int, text: str, style: str, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{style}">{escape(text)}</text>'


def _arrow(start: tuple[int, int], end: tuple[int, int], between: int) -> str:
    """From one map to the next; to another row by way of the space ``between`` the rows."""
    (x1, y1), (x2, y2) = start, end
    line = f"M{x1} {y1}H{x2}"
    if y1 != y2 or x2 < x1:
        line = f"M{x1} {y1}H{_EDGE}V{between}H{_MARGIN // 2}V{y2}H{x2}"
    head = f"M{x2} {y2}l-7 -4v8z"
    return (
        f'<g><title>next</title><path class="arrow" d="{line}"/><path class="head" d="{head}"/></g>'
    )
