"""Analyses and comparisons as a notebook shows them: a drawing and plain tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnnkit.analysis.compare import Comparison
from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding
from cnnkit.layers.shape import show
from cnnkit.pages.page import prose, text
from cnnkit.report.analysis.rows import LayerRow, captions, rows_of
from cnnkit.report.analysis.summary import about, field_sizes, figures, shapes, title
from cnnkit.report.analysis.svg import draw
from cnnkit.report.comparison.view import (
    MARKS,
    ComparisonView,
    heading,
    kind_text,
    output_text,
    path_of,
    setting_text,
    totals,
    verdict,
)


def analysis_html(analysis: Analysis) -> str:
    """The drawing, a row a layer, the totals and the findings."""
    return "\n".join(["<div>", *_analysis(analysis), "</div>"])


def comparison_html(comparison: Comparison) -> str:
    """The totals of both networks and the layers that changed."""
    return "\n".join(["<div>", *_comparison(comparison), "</div>"])


def _analysis(analysis: Analysis) -> Iterator[str]:
    yield f"<p><b>{text(title(analysis))}</b> {text(shapes(analysis))}</p>"
    yield from (f"<p>{prose(paragraph)}</p>" for paragraph in about(analysis))
    if analysis.tree.children:
        yield draw([analysis], heading=False)
    rows = rows_of(analysis)
    numbers = ["neurons", "parameters", *(["state"] if analysis.totals.state else []), "MACs"]
    sums = [f"{getattr(analysis.totals, name.lower()):,}" for name in numbers]
    yield from _table(
        ("layer", "kind", "output", *numbers, "receptive field"),
        [*(_row(row, numbers) for row in rows.rows), ("total", "", "", *sums, "")],
        right=range(3, 3 + len(numbers)),
    )
    yield from (
        f"<p><small>{text(caption)}</small></p>" for caption in captions(rows, hidden=False)
    )
    yield from _table(
        ("total", "", ""),
        [(figure.label, figure.value, figure.note) for figure in figures(analysis)],
        right=(1,),
    )
    yield from _findings(analysis.findings)


def _row(row: LayerRow, numbers: Sequence[str]) -> tuple[str, ...]:
    layer = row.layer
    counts = (
        f"{'Σ' if row.group else ''}{getattr(layer, name.lower()):,}" if layer.known else "?"
        for name in numbers
    )
    label = f"{row.guide}{layer.label}{'†' if layer.side else ''}"
    output = show(layer.output) if layer.output else "?"
    return (label, row.kind, output, *counts, field_sizes(layer.fields))


def _comparison(comparison: Comparison) -> Iterator[str]:
    view = ComparisonView(comparison)
    yield f"<p><b>{text(heading(comparison))}</b>: {prose(verdict(view))}</p>"
    yield from (f"<p>{prose(setting_text(each))}</p>" for each in comparison.settings)
    if comparison.readable:
        rows = [
            (each.label, each.old, each.new, each.absolute, each.percent)
            for each in totals(comparison)
        ]
        yield from _table(("total", "before", "after", "Δ", "%"), rows, right=range(1, 5))
        layers = [
            (
                MARKS[change.status],
                path_of(change),
                kind_text(comparison, change),
                output_text(change),
            )
            for change in view.layers
        ]
        if layers:
            yield from _table(("", "layer", "kind", "output"), layers)
        yield from (f"<p><small>{text(caption)}</small></p>" for caption in view.captions)
    for word, findings in (("new", comparison.gained), ("gone", comparison.lost)):
        if findings:
            yield f"<p>{word}:</p>"
            yield from _findings(findings)


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    lines = [
        f"<li><b>{each.level}</b> {text(str(each.location or each.path or ''))}: "
        f"{prose(each.message)} <code>{text(each.rule)}</code></li>"
        for each in findings
    ]
    if lines:
        yield f"<ul>{''.join(lines)}</ul>"


def _table(
    names: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()
) -> Iterator[str]:
    """A table; the columns ``right`` hold numbers."""
    numbers = set(right)

    def cells(tag: str, row: Sequence[str]) -> str:
        sides = ("right" if place in numbers else "left" for place in range(len(row)))
        return "".join(
            f'<{tag} style="text-align:{side};white-space:pre">{text(cell)}</{tag}>'
            for side, cell in zip(sides, row, strict=True)
        )

    yield f"<table><thead><tr>{cells('th', names)}</tr></thead><tbody>"
    yield from (f"<tr>{cells('td', row)}</tr>" for row in rows)
    yield "</tbody></table>"
