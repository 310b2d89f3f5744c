"""A comparison as GitHub-flavoured Markdown, made for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnkit.report.analysis.markdown import code, prose
from cnnkit.report.comparison.view import (
    MARKS,
    ComparisonView,
    changed,
    field_text,
    fields,
    figures,
    heading,
    kind_text,
    output_text,
    path_of,
    setting_text,
    signed,
    sources,
    totals,
    verdict,
)
from cnnkit.report.findings.finding import counted

if TYPE_CHECKING:
    from cnnkit.analysis.change import LayerChange
    from cnnkit.errors import Finding

# GitHub takes 65,536 characters of a comment; a row has some 200, and rows are no summary.
_MOST = 150
_OUTCOMES = {True: "❌ fails", False: "✅ passes", None: "❔ unknown"}


def render(view: ComparisonView) -> str:
    """A heading with the verdict, the totals, and the layers folded away."""
    return "\n".join(_section(view)) + "\n"


def _section(view: ComparisonView) -> Iterator[str]:
    comparison = view.comparison
    old, new = sources(comparison)
    failed = any(met for _, met in view.conditions) or not comparison.ok
    yield f"### {'❌ ' if failed else ''}{prose(heading(comparison))}: {prose(verdict(view))}"
    yield ""
    yield f"{code(old)} → {code(new)}"
    for setting in comparison.settings:
        yield ""
        yield prose(setting_text(setting))
    if comparison.readable:
        yield ""
        yield from _totals(view)
        yield from _layers(view)
    for word, findings in (("new", comparison.gained), ("gone", comparison.lost)):
        if findings:
            yield ""
            yield f"**{word if comparison.readable else 'found'}: {counted(findings)}**"
            yield ""
            yield from map(_finding, findings)
    if view.conditions:
        yield ""
    for condition, met in view.conditions:
        shown = figures(comparison.totals[condition.total])
        yield f"- {_OUTCOMES[met]}: {code(condition.text)} ({shown})"


def _totals(view: ComparisonView) -> Iterator[str]:
    yield "| total | before | after | Δ | % |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for row in totals(view.comparison):
        bold = "**" if row.grown else ""
        cells = (row.label, row.old, row.new, f"{bold}{row.absolute}{bold}", row.percent)
        yield f"| {' | '.join(cells)} |"
    old, new = fields(view.comparison)
    if old or new:
        yield f"| receptive field | {old} | {new} | | |"


def _layers(view: ComparisonView) -> Iterator[str]:
    layers = view.layers
    yield ""
    if not layers:
        yield from (f"_{prose(said)}_" for said in (changed(view.comparison),))
        return
    yield f"<details><summary>{changed(view.comparison)}</summary>"
    yield ""  # GitHub reads the table only after an empty line
    yield "| | layer | kind | what | output | Δ parameters | Δ MACs | receptive field |"
    yield "| --- | --- | --- | --- | --- | ---: | ---: | --- |"
    yield from (_row(view, change) for change in layers[:_MOST])
    said = list(view.captions)
    if len(layers) > _MOST:
        said.insert(0, f"{len(layers) - _MOST:,} more are not shown")
    for caption in said:
        yield ""
        yield f"_{prose(caption)}_"
    yield ""
    yield "</details>"


def _row(view: ComparisonView, change: LayerChange) -> str:
    what = "<br>".join(prose(setting_text(setting)) for setting in change.settings)
    if change.status in ("inserted", "removed"):
        what = change.status
    cells = [
        MARKS[change.status].strip(),
        code(path_of(change)),
        code(kind_text(view.comparison, change)),
        what,
        output_text(change),
        "" if change.group else signed(change.count("parameters").absolute),
        "" if change.group else signed(change.count("macs").absolute),
        field_text(change),
    ]
    escaped = [cell if cell == what else cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _finding(finding: Finding) -> str:
    place = str(finding.location) if finding.location else finding.path
    where = f" {code(place)}" if place else ""
    advice = f"; help: {prose(finding.help)}" if finding.help else ""
    said = f"{prose(finding.message)} ({code(finding.rule)}){advice}"
    return f"- **{finding.level}**{where}: {said}"
