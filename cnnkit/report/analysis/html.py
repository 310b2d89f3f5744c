"""The analysis as one HTML page that needs nothing but itself, on a screen or on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.tree import visible
from cnnkit.layers.shape import show
from cnnkit.presentation.numbers import plural
from cnnkit.presentation.page import page, prose, text
from cnnkit.report.analysis.explanation import curve_of
from cnnkit.report.analysis.rows import captions, kind_of, marks_of, rows_of
from cnnkit.report.analysis.summary import about, field_sizes, figures, shapes, title
from cnnkit.report.drawing.page import PAGE_STYLE, drawing_lines
from cnnkit.report.findings.finding import counted, snippet

if TYPE_CHECKING:
    from cnnkit.analysis.explain import Explanation
    from cnnkit.errors import Finding, Location
    from cnnkit.report.analysis.options import ReportOptions, Result

_FEW = 3


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """One page with a section for each spec."""
    names = ", ".join(map(title, results))
    heading = names if len(results) <= _FEW else plural(len(results), "spec")
    lines = (
        line
        for number, result in enumerate(results)
        for line in _section(result, options, f"drawing-{number}")
    )
    return page(heading, lines, style=PAGE_STYLE)


def _section(result: Result, options: ReportOptions, place: str) -> Iterator[str]:
    yield f"<section>\n<header><h1>{text(title(result))}</h1>"
    flow = shapes(result) if isinstance(result, Analysis) else "cannot be read"
    said = about(result) if isinstance(result, Analysis) else ()
    paragraphs = "".join(f"<p>{prose(paragraph)}</p>" for paragraph in said)
    yield f'<p class="flow">{flow}</p>{paragraphs}</header>'
    if result.findings:
        yield f"<h2>{counted(result.findings)}</h2>"
    for finding in result.findings:
        yield from _finding(finding)
    if isinstance(result, Analysis):
        yield from _cards(result)
        yield from drawing_lines(result, place, to_scale=options.to_scale)
        yield from _Tree(result, options).lines()
    yield "</section>"


def _cards(analysis: Analysis) -> Iterator[str]:
    yield '<dl class="cards">'
    for figure in figures(analysis):
        note = f'<dd class="note">{text(figure.note)}</dd>' if figure.note else ""
        yield f"<div><dt>{figure.label}</dt>"
        yield f'<dd class="value">{figure.value}</dd>{note}</div>'
    yield "</dl>"


class _Tree:
    """The layers as a tree that opens and closes, its figures in columns."""

    def __init__(self, analysis: Analysis, options: ReportOptions) -> None:
        self.analysis = analysis
        self.rows = rows_of(analysis, options.depth)
        self.marks = marks_of(analysis)
        numbers = ["neurons", "parameters", "MACs"]
        if analysis.totals.state:
            numbers.insert(2, "state")
        self.numbers = numbers
        self.why: dict[str, list[Explanation]] = {}
        if options.explain:
            from cnnkit.analysis.explain import explain

            for explanation in explain(analysis):
                self.why.setdefault(explanation.layer, []).append(explanation)

    def lines(self) -> Iterator[str]:
        """The whole section."""
        totals = self.analysis.totals
        yield "<h2>Layers</h2>"
        yield f'<div class="layers" style="--numbers:{len(self.numbers)};--level:0">'
        yield '<div class="row headings" aria-hidden="true">'
        yield '<span class="layer">layer</span><span>output</span>'
        yield "".join(f'<span class="number">{name}</span>' for name in self.numbers)
        yield "<span>receptive field</span></div>\n<ol>"
        for layer in visible(self.analysis.tree):
            yield from self._layer(layer, 0)
        yield '</ol>\n<div class="row total"><span class="layer">total</span><span></span>'
        yield "".join(
            f'<span class="number"><span class="label">{name} </span>'
            f"{getattr(totals, name.lower()):,}</span>"
            for name in self.numbers
        )
        yield '<span></span></div>\n</div>\n<div class="captions">'
        for caption in captions(self.rows, hidden=False):
            yield f"<p>{text(caption)}</p>"
        yield "</div>"
        for explanation in self.why.get("", ()):
            yield f'<h2>Totals</h2>\n<div class="sums">{_equations(explanation)}</div>'

    def _layer(self, layer: LayerAnalysis, level: int) -> Iterator[str]:
        below = visible(layer)
        why = self.why.get(layer.path, ())
        yield f'<li style="--level:{level}">'
        if not below and not why:
            yield f'<div class="row">{self._cells(layer)}</div></li>'
            return
        shown = " open" if level + 1 < self.rows.depth and below else ""
        group = " group" if below else ""
        yield f'<details{shown}><summary class="row{group}">{self._cells(layer)}</summary>'
        if below:
            yield "<ol>"
            for child in below:
                yield from self._layer(child, level + 1)
            yield "</ol>"
        if why:
            yield '<div class="why">'
            for explanation in why:
                name = explanation.path.removeprefix(f"{layer.path}.")
                if len(why) > 1:
                    yield f"<p>{text(explanation.kind if name == layer.path else name)}</p>"
                yield _equations(explanation)
            yield "</div>"
        yield "</details></li>"

    def _cells(self, layer: LayerAnalysis) -> str:
        level = self.marks.get(layer.path)
        mark = (
            f'<span class="mark {level}" title="{level}">{_MARKS[level]}</span> ' if level else ""
        )
        side = '<span title="a side output, used in training only">†</span>' if layer.side else ""
        kind = text(kind_of(self.analysis, layer))
        field = field_sizes(layer.fields)
        output = show(layer.output) if layer.output else "?"
        cells = [
            f'<span class="layer">{mark}<b>{text(layer.label)}</b>{side} ',
            f'<span class="kind">{kind}</span></span>',
            f'<span class="cell shape">{_label("output")}{output}</span>',
            *(self._number(layer, name) for name in self.numbers),
            f'<span class="cell shape">{field and _label("receptive field")}{field}</span>',
        ]
        return "".join(cells)

    def _number(self, layer: LayerAnalysis, name: str) -> str:
        if not layer.known:
            return f'<span class="cell number">{_label(name)}?</span>'
        value: int = getattr(layer, name.lower())
        total: int = getattr(self.analysis.totals, name.lower())
        tenths = 1000 * value // total if total else 0
        share = f' style="--part:{tenths / 10}%"' if tenths else ""
        sum_of = "Σ" if layer.children else ""
        return f'<span class="cell number"{share}>{_label(name)}{sum_of}{value:,}</span>'


_MARKS = {"error": "✗", "warning": "!", "info": "i"}


def _label(name: str) -> str:
    """What a figure is, for who cannot see the heading of its column."""
    return f'<span class="label">{name} </span>'


def _equations(explanation: Explanation) -> str:
    lines = (
        f"<li>{text(line.label)}: <code>{text(line.equation)}</code></li>"
        for line in explanation.lines
    )
    rows = "\n".join(curve_of(explanation))
    return f"<ul>{''.join(lines)}</ul>" + (f"<pre>{rows}</pre>" if rows else "")


def _finding(finding: Finding) -> Iterator[str]:
    yield f'<article class="finding {finding.level}"><p><span class="level">{finding.level}</span>'
    yield f'{prose(finding.message)} <code class="rule">{text(finding.rule)}</code></p>'
    if finding.location is None and finding.path:
        yield f'<p class="place"><code>{text(finding.path)}</code></p>'
    for location in (finding.location, *finding.used_at):
        if location is not None:
            used = "" if location is finding.location else "used at "
            yield f'<p class="place">{used}<code>{text(str(location))}</code></p>'
            yield _source(location)
    if finding.help:
        yield f'<p class="help"><b>help:</b> {prose(finding.help)}</p>'
    yield "</article>"


def _source(location: Location) -> str:
    if not location.text.strip():
        return ""
    before, fault, after = map(text, snippet(location))
    return f"<pre><i>{location.line} | </i>{before}<mark>{fault or ' '}</mark>{after}</pre>"
