"""One layer: its formulas with the values put in, what can be turned, and what a cell sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor
from typing import Any, Final

from cnnkit.analysis.explain import explain
from cnnkit.analysis.field import Field
from cnnkit.analysis.layer import LayerAnalysis
from cnnkit.analysis.result import Analysis
from cnnkit.layers import KINDS
from cnnkit.layers.base import Layer
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import axis_names
from cnnkit.playground.calculator.change import written_as
from cnnkit.playground.calculator.judged import judged, layer_at
from cnnkit.playground.calculator.operation import operation_of
from cnnkit.presentation.numbers import printable
from cnnkit.report.analysis.rows import kind_of
from cnnkit.report.kind import kind_summary

# What a slider goes over, at the least, before it is widened to twice the value.
_RANGES: Final = {
    "filters": (1, 64),
    "units": (1, 64),
    "kernel": (1, 11),
    "size": (1, 11),
    "stride": (1, 8),
    "padding": (0, 8),
    "dilation": (1, 8),
    "groups": (1, 8),
    "multiplier": (1, 8),
}
_WORDS: Final = {"padding": ("valid", "same")}


def layer(text: str, path: str, cell: Sequence[int] = ()) -> dict[str, Any] | None:
    """What the page shows of a chosen layer; None where the text has no such layer.

    Args:
        text: The spec.
        path: The layer's path.
        cell: A cell of its output, an index for each spatial axis; without it the middle one.
    """
    analysis = judged(text).analysis
    found = layer_at(analysis, path) if analysis else None
    if analysis is None or found is None:
        return None
    where = found.location
    return {
        "path": found.path,
        "kind": printable(kind_of(analysis, found)),
        "about": kind_summary(found.kind) if found.kind in KINDS else "",
        "input": show(found.input) if found.input else "?",
        "output": show(found.output) if found.output else "?",
        "line": where.line if where else None,
        "formulas": list(_formulas(analysis, found)),
        "controls": list(_controls(analysis, found.layer)) if found.layer else [],
        "sees": _sees(analysis, found, cell),
        "walks": operation_of(analysis, found) is not None,
    }


def _formulas(analysis: Analysis, found: LayerAnalysis) -> Iterator[dict[str, Any]]:
    """The equations of its operations; of a composite those of what is inside it."""
    prefix = f"{found.path}."
    for each in explain(analysis)[:-1]:
        if each.layer == found.path or each.path.startswith(prefix):
            name = each.path.removeprefix(prefix)
            yield {
                "name": printable(each.kind if name == found.path else name),
                "times": each.times,
                "lines": [[line.label, printable(line.equation)] for line in each.lines],
            }


def _controls(analysis: Analysis, model: Layer) -> Iterator[dict[str, Any]]:
    """The numbers of a layer, each with how it is written and what a slider goes over."""
    fields = type(model).model_fields
    for name, (least, most) in _RANGES.items():
        if name not in fields:
            continue
        value = getattr(model, name)
        if value is None and name == "stride":  # a pool's is its size
            value = getattr(model, model.size_field, None)
        entries = value if isinstance(value, tuple) else (value,)
        for index, entry in enumerate(entries):
            if isinstance(entry, tuple):  # before and after apart: no one number
                continue
            place = index if isinstance(value, tuple) else None
            written = written_as(analysis.spec, model, name, place)
            if isinstance(value, tuple) and written.how == "default":
                continue  # a list that follows from another field
            number = entry if isinstance(entry, int) else None
            yield {
                "field": name,
                "index": place,
                "value": number,
                "word": entry if isinstance(entry, str) else None,
                "words": list(_WORDS.get(name, ())) if place is None else [],
                "least": least,
                "most": max(most, 2 * (number or 0)),
                "how": written.how,
                "text": written.text,
            }


def _sees(analysis: Analysis, found: LayerAnalysis, cell: Sequence[int]) -> dict[str, Any] | None:
    """The input cells that a cell of the output depends on, an axis each."""
    fields, output = found.fields, found.output
    if not fields or output is None:
        return None
    inputs = analysis.graph.inputs
    name = next(iter(found.fields_of or inputs))
    extents = inputs[name][:-1]
    outs: Shape = output[:-1] if len(output) - 1 == len(fields) else ()
    chosen = [
        min(max(cell[axis] if axis < len(cell) else extent // 2, 0), extent - 1)
        for axis, extent in enumerate(outs)
    ] or [0] * len(fields)
    spans = [_span(field, place) for field, place in zip(fields, chosen, strict=True)]
    return {
        "name": printable(name),
        "axes": list(axis_names(len(fields))),
        "input": list(extents),
        "output": list(outs),
        "cell": chosen,
        "spans": spans,
        "all": [
            list(field.gate) if field.gate is not None and field.local is None else None
            for field in fields
        ],
    }


def _span(field: Field, place: int) -> list[int] | None:
    """The first and the last input cell that a cell sees; beyond the border is padding."""
    if field.local is not None:  # a gate that sees more
        assert field.gate is not None  # noqa: S101 - a field has both or neither
        return list(field.gate)
    if field.spans is not None:
        span = field.spans.at(place)
        return list(span) if span else None
    start = -field.padding if field.pooled else place * field.stride - field.padding
    return [floor(start), ceil(start + field.size - 1)]
