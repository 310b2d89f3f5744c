"""The analysis as GitHub-flavoured Markdown, for a README or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import show
from cnnkit.presentation.numbers import printable
from cnnkit.report.analysis.rows import LayerRow, captions, rows_of
from cnnkit.report.analysis.summary import (
    about,
    field_sizes,
    figures,
    shapes,
    time_columns,
    time_of,
    title,
    total_time,
)
from cnnkit.report.findings.finding import counted, source_text

if TYPE_CHECKING:
    from cnnkit.analysis.scaling.prediction import Scaling
    from cnnkit.errors import Finding
    from cnnkit.report.analysis.options import ReportOptions, Result

# Inside a word an underscore is only itself.
_SPECIAL = re.compile(r"([\\`*\[\]<>#|~@&]|(?<!\w)_|_(?!\w))")


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """A section for each spec."""
    sections = ("\n".join(_section(result, options)) for result in results)
    return "\n\n".join(sections) + "\n"


def code(text: str) -> str:
    """A text as code, whatever it holds."""
    text = printable(text)
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def prose(text: str) -> str:
    """A text with what it has in backticks as code, and all else taken literally."""
    parts = printable(text).split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is a character like others
        return _SPECIAL.sub(r"\\\1", printable(text))
    return "".join(
        code(part) if number % 2 else _SPECIAL.sub(r"\\\1", part)
        for number, part in enumerate(parts)
    )


def _longest_run(text: str) -> int:
    """How many backticks stand side by side at most: the fence round a text needs one more."""
    return max(map(len, re.findall("`+", text)), default=0)


def _section(result: Result, options: ReportOptions) -> Iterator[str]:
    yield f"### {prose(title(result))}"
    if isinstance(result, Analysis):
        yield from _analysis(result, options)
    if result.findings:
        yield ""
        yield f"**{counted(result.findings)}**"
    for finding in result.findings:
        yield ""
        yield from _finding(finding)


def _analysis(analysis: Analysis, options: ReportOptions) -> Iterator[str]:
    yield ""
    yield shapes(analysis)
    yield ""
    for paragraph in about(analysis):
        yield prose(paragraph)
        yield ""
    yield from _table(analysis, options.depth)
    yield ""
    for figure in figures(analysis):
        note = f" ({figure.note})" if figure.note else ""
        yield f"- {figure.label}: **{figure.value}**{note}"
    if analysis.scaling is not None and analysis.scaling.tabulated:
        yield from _scaling(analysis.scaling)
    if options.explain:
        yield from _explanation(analysis)


def _scaling(scaling: Scaling) -> Iterator[str]:
    """How a training scales, a table for each way."""
    from cnnkit.report.analysis.scaling import scaling_tables

    for each in scaling_tables(scaling):
        yield ""
        yield f"**{prose(each.title)}**"
        yield ""
        yield f"| {' | '.join(each.columns)} |"
        yield f"|{' ---: |' * len(each.columns)}"
        yield from (f"| {' | '.join(row)} |" for row in each.rows)
        if each.remark:
            yield ""
            yield f"_{prose(each.remark)}_"


def _table(analysis: Analysis, depth: int | None) -> Iterator[str]:
    rows = rows_of(analysis, depth)
    numbers = ["neurons", "parameters", *(["state"] if analysis.totals.state else []), "MACs"]
    times = time_columns(analysis)
    columns = [*numbers, *times]
    yield f"| layer | kind | output | {' | '.join(columns)} | receptive field |"
    yield f"| --- | --- | --- | {' | '.join(['---:'] * len(columns))} | --- |"
    for row in rows.rows:
        cells = [_label(row), code(row.kind), show(row.layer.output) if row.layer.output else "?"]
        cells += [_number(row, getattr(row.layer, number.lower())) for number in numbers]
        cells += [_time(analysis, row, name) for name in times]
        cells.append(field_sizes(row.layer.fields))
        escaped = " | ".join(cell.replace("|", r"\|") for cell in cells)
        yield f"| {escaped} |"
    totals = [f"**{getattr(analysis.totals, number.lower()):,}**" for number in numbers]
    totals += [f"**{total_time(analysis, name)}**" for name in times]
    yield f"| **total** | | | {' | '.join(totals)} | |"
    for caption in captions(rows):
        yield ""
        yield f"_{prose(caption)}_"


def _label(row: LayerRow) -> str:
    guide = row.guide.replace(" ", "&nbsp;")
    mark = {"error": "❌ ", "warning": "⚠️ "}.get(row.mark or "", "")
    return f"{guide}{mark}{code(row.layer.label)}{'†' if row.layer.side else ''}"


def _number(row: LayerRow, value: int) -> str:
    if not row.layer.known:
        return "?"
    return f"*Σ {value:,}*" if row.group else f"{value:,}"


def _time(analysis: Analysis, row: LayerRow, name: str) -> str:
    if not row.layer.known:
        return "?"
    figure = time_of(analysis, row.layer, name)
    return f"*Σ {figure}*" if row.group else figure


def _finding(finding: Finding) -> Iterator[str]:
    place = str(finding.location) if finding.location else finding.path
    where = f" {code(place)}" if place else ""
    yield f"- **{finding.level}**{where}: {prose(finding.message)} ({code(finding.rule)})"
    for location in (finding.location, *finding.used_at):
        if location is None:
            continue
        if location is not finding.location:
            yield f"  used at {code(str(location))}"
        if source := source_text(location):
            yield ""
            fence = "`" * max(3, _longest_run(source) + 1)
            yield from (f"  {line}" for line in (f"{fence}text", *source.split("\n"), fence))
    if finding.help:
        yield ""
        yield f"  help: {prose(finding.help)}"


def _explanation(analysis: Analysis) -> Iterator[str]:
    from cnnkit.analysis.explain import explain
    from cnnkit.report.analysis.explanation import curve_of, heading, letters_of

    explanations = explain(analysis)
    if letters := letters_of(explanations):
        yield ""
        yield f"_{'; '.join(letters)}_"
    for explanation in explanations:
        place, what = heading(explanation)
        yield ""
        yield f"**{prose(place)}** {prose(what)}".rstrip()
        yield ""
        for line in explanation.lines:
            yield f"- {prose(line.label)}: {prose(line.equation)}"
        if rows := curve_of(explanation):
            yield ""
            yield from ("```text", *rows, "```")
