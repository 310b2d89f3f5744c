"""The account of a spec: its table, totals, findings and drawing, with each layer's share."""

from __future__ import annotations

from typing import Any

from cnnkit.analysis.result import Analysis
from cnnkit.analysis.tree import visible
from cnnkit.errors import Finding
from cnnkit.layers.shape import show
from cnnkit.playground.calculator.judged import judged
from cnnkit.presentation.numbers import memory, printable
from cnnkit.report.analysis import svg
from cnnkit.report.analysis.rows import LayerRow, captions, rows_of
from cnnkit.report.analysis.summary import field_sizes, figures, shapes, title

_BARS = ("parameters", "macs", "activations")
_BYTES = ("weight_memory", "activation_memory", "inference_memory", "training_memory")


def account(text: str, depth: int | None = None) -> dict[str, Any]:
    """What the page shows of a text at each keystroke.

    Args:
        text: The spec.
        depth: Levels of nested layers in the table; None shows as many as are easily read.
    """
    said = judged(text)
    given: dict[str, Any] = {
        "title": None,
        "flow": None,
        "rows": [],
        "figures": [],
        "captions": [],
        "memory": [],
        "drawing": None,
        "depth": 0,
        "deepest": 0,
        "findings": [_finding(finding) for finding in said.result.findings],
    }
    if said.analysis is not None:
        given |= _analysed(said.analysis, depth)
    return given


def _analysed(analysis: Analysis, depth: int | None) -> dict[str, Any]:
    shown = rows_of(analysis, depth)
    totals = analysis.totals
    return {
        "title": title(analysis),
        "flow": shapes(analysis),
        "rows": [_row(row, analysis) for row in shown.rows],
        "captions": captions(shown, hidden=False),
        "figures": [figure._asdict() for figure in figures(analysis)],
        "memory": [
            {"name": name, "bytes": count, "text": memory(count)}
            for name in _BYTES
            if (count := getattr(totals, name)) is not None
        ],
        "drawing": svg.draw([analysis], heading=False) if analysis.tree.children else None,
        "depth": shown.depth,
        "deepest": shown.deepest,
    }


def _row(row: LayerRow, analysis: Analysis) -> dict[str, Any]:
    layer, totals = row.layer, analysis.totals
    where = layer.location
    shares = {name: _share(getattr(layer, name), getattr(totals, name)) for name in _BARS}
    return {
        "path": layer.path,
        "label": printable(layer.label),
        "guide": row.guide,
        "kind": printable(row.kind),
        "output": show(layer.output) if layer.output else "?",
        "neurons": _count(layer.neurons, known=layer.known),
        "parameters": _count(layer.parameters, known=layer.known),
        "macs": _count(layer.macs, known=layer.known),
        "field": field_sizes(layer.fields),
        "group": row.group or bool(visible(layer)),
        "sum": row.group,
        "mark": row.mark,
        "line": where.line if where else None,
        "column": where.column if where else None,
        "shares": shares if layer.known and not row.group else None,
    }


def _count(count: int, *, known: bool) -> str:
    return f"{count:,}" if known else "?"


def _share(count: int, total: int) -> float:
    """A part of the whole in percent, to a tenth; whole numbers of any size."""
    return 1000 * count // total / 10 if total else 0.0


def _finding(finding: Finding) -> dict[str, Any]:
    return finding.to_dict() | {"used_at": [where.line for where in finding.used_at]}
