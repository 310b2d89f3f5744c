"""The analysis as CSV: a row a layer, the keys of the JSON as columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.layers.base import Operations
from cnnkit.layers.shape import show_each
from cnnkit.report.analysis.summary import title

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import ReportOptions, Result

COLUMNS = (
    "path",
    "kind",
    "input",
    "output",
    "neurons",
    "parameters",
    "state",
    "macs",
    "flops",
    "activations",
    *(f"operations.{name}" for name in Operations._fields),
    "receptive_field",
    "receptive_field_min",
    "effective_stride",
    "effective_padding",
    "centre",
    "line",
    "column",
    "receptive_fields",
    "shares",
    "inference_time",
    "training_time",
)
"""The keys of a layer in the JSON; the columns are the same for every spec."""

# A spreadsheet takes a cell that begins with one of these for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """One table; of several specs, the first column says which each row belongs to."""
    text = io.StringIO()
    several = len(results) > 1
    writer = csv.DictWriter(text, ("spec", *COLUMNS) if several else COLUMNS, lineterminator="\n")
    writer.writeheader()
    for result in results:
        name = {"spec": _safe(title(result))} if several else {}
        writer.writerows(name | _flat(layer) for layer in result.to_dict(options.depth)["layers"])
    return text.getvalue()


def _flat(layer: dict[str, Any]) -> dict[str, object]:
    """Operations as `operations.add`, lists as `32x32x3`, by name where so, null as nothing."""
    flat: dict[str, object] = {}
    for key, value in layer.items():
        if key == "operations":
            work = value or {}
            flat |= {f"{key}.{name}": work.get(name) for name in Operations._fields}
        elif isinstance(value, list):
            flat[key] = "x".join(map(str, value))
        elif isinstance(value, dict):
            flat[key] = show_each(value)
        else:
            flat[key] = _safe(value) if isinstance(value, str) else value
    return flat


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
