"""Analyses and comparisons as a notebook shows them: a drawing and plain tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cnnkit.analysis.compare import Comparison
from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding
from cnnkit.layers.shape import show
from cnnkit.pages.notebook import CellOutput, ListedFinding
from cnnkit.pages.table import PageTable
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
    rows = rows_of(analysis)
    numbers = ["neurons", "parameters", *(["state"] if analysis.totals.state else []), "MACs"]
    layers = PageTable(
        ["layer", "kind", "output", *numbers, "receptive field"],
        [_row(row, numbers) for row in rows.rows],
        foot=["total", "", "", *(_count(analysis.totals, name) for name in numbers), ""],
        words=3,
    )
    sums = [(figure.label, figure.value, figure.note) for figure in figures(analysis)]
    return CellOutput(
        title=title(analysis),
        flow=shapes(analysis),
        told=about(analysis),
        drawing=draw([analysis], heading=False) if analysis.tree.children else "",
        tables=[
            (layers, list(captions(rows, hidden=False))),
            (PageTable(["total", "", ""], sums, words=3), ()),
        ],
        findings=_listed(("", analysis.findings)),
    ).html()


def comparison_html(comparison: Comparison) -> str:
    """The totals of both networks and the layers that changed."""
    view = ComparisonView(comparison)
    return CellOutput(
        title=heading(comparison),
        flow=verdict(view),
        told=list(map(setting_text, comparison.settings)),
        tables=list(_tables(comparison, view)) if comparison.readable else (),
        findings=_listed(("new", comparison.gained), ("gone", comparison.lost)),
    ).html()


def _row(row: LayerRow, numbers: Sequence[str]) -> list[str]:
    layer = row.layer
    counts = (
        f"{'Σ' if row.group else ''}{_count(layer, name)}" if layer.known else "?"
        for name in numbers
    )
    label = f"{row.guide}{layer.label}{'†' if layer.side else ''}"
    output = show(layer.output) if layer.output else "?"
    return [label, row.kind, output, *counts, field_sizes(layer.fields)]


def _count(of: object, name: str) -> str:
    return f"{getattr(of, name.lower()):,}"


def _tables(
    comparison: Comparison, view: ComparisonView
) -> Iterator[tuple[PageTable, Sequence[str]]]:
    rows = [
        (each.label, each.old, each.new, each.absolute, each.percent) for each in totals(comparison)
    ]
    layers = [
        (MARKS[change.status], path_of(change), kind_text(comparison, change), output_text(change))
        for change in view.layers
    ]
    notes = list(view.captions)
    below = PageTable(["total", "before", "after", "Δ", "%"], rows)
    yield below, () if layers else notes
    if layers:
        yield PageTable(["", "layer", "kind", "output"], layers, words=4), notes


def _listed(
    *groups: tuple[str, Iterable[Finding]],
) -> list[tuple[str, Sequence[ListedFinding]]]:
    """The findings of each group that has any."""
    listed = [
        (
            word,
            [
                ListedFinding(
                    each.level, str(each.location or each.path or ""), each.message, each.rule
                )
                for each in findings
            ],
        )
        for word, findings in groups
    ]
    return [(word, findings) for word, findings in listed if findings]
