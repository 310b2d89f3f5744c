"""The analysis as one HTML page that needs nothing but itself, on a screen or on paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.tree import visible
from cnnkit.layers.shape import show
from cnnkit.pages import page
from cnnkit.pages.table import PageTable
from cnnkit.presentation.numbers import plural
from cnnkit.report.analysis.explanation import curve_of
from cnnkit.report.analysis.rows import captions, kind_of, marks_of, rows_of
from cnnkit.report.analysis.summary import (
    TIMES,
    about,
    field_sizes,
    figures,
    shapes,
    time_columns,
    time_of,
    title,
    total_time,
)
from cnnkit.report.drawing.page import drawing_of
from cnnkit.report.drawing.svg import STYLE
from cnnkit.report.findings.finding import counted, snippet

if TYPE_CHECKING:
    from cnnkit.analysis.explain import Explanation
    from cnnkit.errors import Finding
    from cnnkit.report.analysis.options import ReportOptions, Result

_FEW = 3
_MARKS = {"error": "✗", "warning": "!", "info": "i"}


class Equations(NamedTuple):
    """How a number comes about.

    Attributes:
        lines: What each line is of, and its formula.
        curve: The curve of a function, in lines; empty where it is of none.
    """

    lines: Sequence[tuple[str, str]]
    curve: str


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """One page with a section for each spec."""
    names = ", ".join(map(title, results))
    heading = names if len(results) <= _FEW else plural(len(results), "spec")
    sections = (
        _section(result, options, f"drawing-{number}") for number, result in enumerate(results)
    )
    return page.write("analysis", title=heading, sections=sections, drawing_style=STYLE)


def _section(result: Result, options: ReportOptions, place: str) -> Mapping[str, Any]:
    section = {
        "title": title(result),
        "flow": shapes(result) if isinstance(result, Analysis) else "cannot be read",
        "about": about(result) if isinstance(result, Analysis) else (),
        "findings": list(map(_finding, result.findings)),
        "counted": counted(result.findings),
        "tree": None,
    }
    if not isinstance(result, Analysis):
        return section
    drawing = drawing_of(result, place, to_scale=options.to_scale)
    tree = _Tree(result, options)
    shown = {"figures": figures(result), "drawing": drawing, "tree": tree}
    return {**section, **shown, "scaling": list(_scaling(result))}


def _scaling(analysis: Analysis) -> Iterator[tuple[str, PageTable, str]]:
    """How a training scales: what stays the same, a table, and what must be known to read it."""
    if analysis.scaling is None:
        return
    from cnnkit.report.analysis.scaling import scaling_tables

    for each in scaling_tables(analysis.scaling):
        shown = PageTable(each.columns, each.rows, words=0, caption=each.title)
        yield each.title, shown, each.remark


class LayerCell(NamedTuple):
    """A figure of a layer.

    Attributes:
        name: What it is, for who cannot see the heading of its column.
        text: Its value; empty where there is none.
        kind: The classes of the style sheet.
        share: Its part of the total in percent, where that is to be seen.
    """

    name: str
    text: str
    kind: str = "number"
    share: float = 0


class TreeLayer(NamedTuple):
    """A layer of the tree.

    Attributes:
        label: What it is called.
        kind: Its kind and options.
        side: Whether it is used in training only.
        mark: The gravest finding in it, and the sign of that.
        cells: Its figures.
        below: The layers in it.
        open: Whether these are shown from the beginning.
        why: How its numbers come about, by the names of what they are of.
    """

    label: str
    kind: str
    side: bool
    mark: tuple[str, str] | None
    cells: Sequence[LayerCell]
    below: Sequence[TreeLayer]
    open: bool
    why: Sequence[tuple[str, Equations]]


class _Tree:
    """The layers as a tree that opens and closes, its figures in columns."""

    def __init__(self, analysis: Analysis, options: ReportOptions) -> None:
        self.analysis = analysis
        self.listed = rows_of(analysis, options.depth)
        self.marks = marks_of(analysis)
        numbers = ["neurons", "parameters", "MACs"]
        if analysis.totals.state:
            numbers.insert(2, "state")
        self.numbers = numbers
        self.times = time_columns(analysis)
        self.reasons: dict[str, list[Explanation]] = {}
        if options.explain:
            from cnnkit.analysis.explain import explain

            for explanation in explain(analysis):
                self.reasons.setdefault(explanation.layer, []).append(explanation)

    @property
    def rows(self) -> list[TreeLayer]:
        """The layers at the top."""
        return [self._layer(layer, 0) for layer in visible(self.analysis.tree)]

    @property
    def totals(self) -> list[tuple[str, str]]:
        """The totals of the columns."""
        totals = self.analysis.totals
        times = ((name, total_time(self.analysis, name)) for name in self.times)
        return [*((name, f"{getattr(totals, name.lower()):,}") for name in self.numbers), *times]

    @property
    def captions(self) -> list[str]:
        """What must be known to read the columns."""
        return list(captions(self.listed, hidden=False))

    @property
    def why(self) -> list[Equations]:
        """How the totals come about."""
        return [_equations(explanation) for explanation in self.reasons.get("", ())]

    def _layer(self, layer: LayerAnalysis, level: int) -> TreeLayer:
        below = visible(layer)
        mark = self.marks.get(layer.path)
        return TreeLayer(
            layer.label,
            kind_of(self.analysis, layer),
            layer.side,
            (mark, _MARKS[mark]) if mark else None,
            list(self._cells(layer)),
            [self._layer(child, level + 1) for child in below],
            bool(below) and level + 1 < self.listed.depth,
            [self._reason(layer, each) for each in self.reasons.get(layer.path, ())],
        )

    def _reason(self, layer: LayerAnalysis, explanation: Explanation) -> tuple[str, Equations]:
        name = explanation.path.removeprefix(f"{layer.path}.")
        return explanation.kind if name == layer.path else name, _equations(explanation)

    def _cells(self, layer: LayerAnalysis) -> Iterator[LayerCell]:
        yield LayerCell("output", show(layer.output) if layer.output else "?", "shape")
        for name in self.numbers:
            yield self._number(layer, name)
        for name in self.times:
            yield self._time(layer, name)
        yield LayerCell("receptive field", field_sizes(layer.fields), "shape")

    def _number(self, layer: LayerAnalysis, name: str) -> LayerCell:
        if not layer.known:
            return LayerCell(name, "?")
        value: int = getattr(layer, name.lower())
        total: int = getattr(self.analysis.totals, name.lower())
        tenths = 1000 * value // total if total else 0
        return LayerCell(name, f"{'Σ' if layer.children else ''}{value:,}", share=tenths / 10)

    def _time(self, layer: LayerAnalysis, name: str) -> LayerCell:
        if not layer.known:
            return LayerCell(name, "?")
        program = TIMES[name]
        part = self.analysis.time_of(layer, program) or 0.0
        whole = self.analysis.time_of(self.analysis.tree, program) or 0.0
        figure = time_of(self.analysis, layer, name)
        share = round(100 * part / whole, 1) if whole else 0
        return LayerCell(name, f"{'Σ' if layer.children else ''}{figure}", share=share)


def _equations(explanation: Explanation) -> Equations:
    lines = [(line.label, line.equation) for line in explanation.lines]
    return Equations(lines, "\n".join(curve_of(explanation)))


def _finding(finding: Finding) -> Mapping[str, Any]:
    places = [
        {
            "used": location is not finding.location,
            "place": str(location),
            "line": location.line,
            "source": snippet(location) if location.text.strip() else None,
        }
        for location in (finding.location, *finding.used_at)
        if location is not None
    ]
    return {
        "level": finding.level,
        "message": finding.message,
        "rule": finding.rule,
        "path": finding.path if finding.location is None else None,
        "places": places,
        "help": finding.help,
    }
