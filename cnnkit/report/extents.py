"""An analysis with open extents, as text: its formulas in a table, as JSON, and explained."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.analysis.derivation import count_lines
from cnnkit.analysis.extents.residues import progression
from cnnkit.errors import UsageError
from cnnkit.layers.window import Window, axis_names
from cnnkit.presentation.numbers import printable
from cnnkit.presentation.output import put_lines, put_text
from cnnkit.report.solution.sheet import SolutionSheet, comma_separated, lines, markdown

if TYPE_CHECKING:
    from pathlib import Path

    from cnnkit.analysis.extents import Extents, LayerFormulas, OpenAnalysis
    from cnnkit.analysis.extents.formulas import Formula

FORMATS = ("table", "json", "csv", "markdown")
"""What formulas are written as."""

_UNKNOWN = "no polynomial"
_LABELS = {"macs": "MACs"}
_MOST_RESIDUES = 8


def write(
    analyses: Sequence[OpenAnalysis],
    format: str = "table",  # noqa: A002 - the name of the flag
    output: Path | None = None,
    *,
    explain: bool = False,
) -> None:
    """Writes analyses to a file or to standard output.

    Raises:
        UsageError: The format holds no formulas, or the file cannot be written.
    """
    if format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"--format {format}: formulas of open extents are written as {known}")
    sheets = [sheet(each, explain=explain) for each in analyses]
    if format == "table":
        put_lines(lambda width: lines(sheets, width), output)
    elif format == "json":
        found = [each.to_dict() for each in analyses]
        data = found[0] if len(found) == 1 else found
        put_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", output)
    elif format == "csv":
        put_text(comma_separated(sheets), output)
    else:
        put_text("\n\n".join(map(markdown, sheets)) + "\n", output)


def sheet(analysis: OpenAnalysis, *, explain: bool = False) -> SolutionSheet:
    """The formulas of each layer, the totals, and for which extents they hold."""
    name = printable(analysis.name or analysis.sample.spec.origin.file or "network")
    heading = f"{name}  {analysis.given.text} → {shown(analysis.output)}"
    columns = ("layer", "kind", "output", "parameters", "MACs")
    rows = [
        (
            printable(layer.sample.path),
            printable(layer.sample.kind),
            shown(layer.output),
            _text(layer.counts["parameters"]),
            _text(layer.counts["macs"]),
        )
        for layer in analysis.layers
    ]
    remarks = [*_extents(analysis), *_totals(analysis)]
    if explain:
        for layer in analysis.layers:
            remarks += ["", *explanation(analysis, layer)]
    return SolutionSheet(heading, columns, rows, remarks)


def shown(shape: Sequence[Formula]) -> str:
    """A shape of formulas: ``(H − 5)/2 x (W − 5)/2 x 8``."""
    return " x ".join(map(_text, shape))


def explanation(analysis: OpenAnalysis, layer: LayerFormulas) -> Iterator[str]:
    """How the formulas of a layer come about."""
    sample, graph = layer.sample, analysis.sample.graph
    through = f"{shown(layer.input)} → {shown(layer.output)}"
    yield f"{printable(sample.path)}  {printable(sample.kind)} {through}"
    nodes = [graph.nodes[index] for index in sample.nodes]
    windows = nodes[0].effect.windows if nodes else ()
    names = axis_names(len(layer.output) - 1)
    for axis, name in enumerate(names):
        window = windows[axis] if axis < len(windows) else None
        if isinstance(window, Window):
            yield f"  {name}: {_window(window, layer.input[axis], layer.output[axis])}"
        elif layer.output != layer.input:
            yield f"  {name}: {_text(layer.output[axis])}"
    for node in nodes:
        shapes = [graph.shape(source) or () for source in node.inputs]
        for line in count_lines(node.layer, shapes, node.effect):
            if line.label.startswith("parameters") and layer.counts["parameters"] is not None:
                constant = layer.counts["parameters"].constant is not None
                yield (
                    f"  {line.label}: {line.text}"
                    if constant
                    else (f"  {line.label}: {_text(layer.counts['parameters'])}")
                )
    for name in ("macs", "neurons", "activations"):
        formula = layer.counts[name]
        if formula is None or formula.terms:
            yield f"  {_LABELS.get(name, name)}: {_product(layer, name)}{_text(formula)}"


def _window(window: Window, given: Formula, gives: Formula) -> str:
    """The equation of an axis: ``(H + 6 − 7)/2 + 1 = (H + 1)/2``."""
    padding = window.before + window.after
    inside = given.text if given is not None else "D"
    if padding:
        inside += f" + {padding}"
    inside += f" − {window.dilated}"
    return f"({inside})/{window.stride} + 1 = {_text(gives)}"


def _product(layer: LayerFormulas, name: str) -> str:
    """What a cell costs times the cells, where that is the figure: ``441·(H − 6)·(W − 6) = ``."""
    extents = layer.output[:-1]
    open_ = [each for each in extents if each is not None and each.constant is None]
    cells = math.prod((layer.sample.output or (1,))[:-1])
    figure = int(getattr(layer.sample, name))
    formula = layer.counts[name]
    if not open_ or None in extents or figure % cells or formula is None:
        return ""
    rest = figure // cells * math.prod(each.constant or 1 for each in extents if each is not None)
    factors = "·".join(each.factor for each in open_)
    written = f"{rest:,}·{factors}" if rest != 1 else factors
    return "" if written == formula.text or len(formula.terms) < 1 else f"{written} = "


def _extents(analysis: OpenAnalysis) -> Iterator[str]:
    for each in analysis.extents:
        yield _of_letter(each)


def _of_letter(each: Extents) -> str:
    """For which extents of a letter the whole is exact, and the formulas hold."""
    holds = f"{each.text} holds in every formula" if each.step > 1 else "the formulas hold for all"
    least = f"from {each.least:,} on"
    if each.every:
        return f"{each.letter}: exact for every extent; {holds}, {least}"
    if not each.residues:
        return f"{each.letter}: no extent is exact, cells are left unread; {holds}, {least}"
    listed = [progression(each.step, residue) for residue in each.residues[:_MOST_RESIDUES]]
    more = ", …" if len(each.residues) > _MOST_RESIDUES else ""
    if len(each.residues) == 1:
        return f"{each.letter}: exact for {each.letter} = {listed[0]}, {least}"
    return f"{each.letter}: exact for {', '.join(listed)}{more}; {holds}, {least}"


def _totals(analysis: OpenAnalysis) -> Iterator[str]:
    for name, formula in analysis.totals.items():
        if name != "state" or formula is None or formula.terms:
            yield f"{_LABELS.get(name, name)}: {_text(formula)}"


def _text(formula: Formula) -> str:
    return _UNKNOWN if formula is None else formula.text
