"""A comparison as a table for a terminal: verdict, layers, totals, findings, conditions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from cnnkit.analysis.change import LayerChange
from cnnkit.presentation.grid import Column, grid, grid_width
from cnnkit.presentation.lines import Line, Piece, joined
from cnnkit.presentation.numbers import ending, printable
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
from cnnkit.report.findings.finding import counted, findings_lines

# Without a terminal there is no width to fit in; this many columns choose what is shown.
_PIPE = 120
_STYLES = {"inserted": "green", "removed": "red", "changed": "yellow", "same": "dim"}
_OUTCOMES = {
    True: Piece("✗ fails: ", "bold red"),
    False: Piece("✓ passes: ", "green"),
    None: Piece("? unknown: ", "yellow"),
}
# A name is shortened from its front: its end says which layer it is.
_SHORTEST = 16


def lines(view: ComparisonView, width: int | None = None) -> Iterator[Line]:
    """The lines of a comparison; they fit in ``width`` where it is given."""
    comparison = view.comparison
    old, new = sources(comparison)
    name, said = heading(comparison), verdict(view)
    yield from joined(Piece(name, "bold"), "  ", Piece(said, "bold"), width)
    if (old, new) != (name, name):
        yield from joined(Piece(old, "dim"), " → ", Piece(new, "dim"), width)
    if comparison.readable:
        for setting in comparison.settings:
            yield from _wrapped(setting_text(setting), width)
        yield from _layers(view, width)
        yield []
        yield from _totals(view)
    yield from _findings(view, width)
    if view.conditions:
        yield []
    for condition, met in view.conditions:
        shown = figures(comparison.totals[condition.total])
        yield [_OUTCOMES[met], Piece(condition.text), Piece(f"  ({shown})", "dim")]


def _layers(view: ComparisonView, width: int | None) -> Iterator[Line]:
    layers = view.layers
    if layers:
        yield []
        notes = [list(_notes(change, width)) for change in layers]
        yield from grid(_fitted(view, layers, width), notes)
    counts = [] if view.comparison.same else [changed(view.comparison)]
    for said in (*counts, *view.captions):
        yield from _wrapped(said, width, "dim italic")


def _notes(change: LayerChange, width: int | None) -> Iterator[Line]:
    """The fields that say another thing, below their layer."""
    said = ", ".join(map(setting_text, change.settings))
    if "layers" in change.differences:
        said = said or "layers inside it say other things"
    if said:
        yield from _wrapped(said, width or _PIPE, "yellow", indent="    ")


def _fitted(view: ComparisonView, layers: Sequence[LayerChange], width: int | None) -> list[Column]:
    """The columns for a width: what grew is always there, what was and is where there is room."""
    limit = width or _PIPE
    comparison = view.comparison
    columns = {
        "layer": _names(layers, None),
        "kind": Column("kind", [[Piece(kind_text(comparison, change))] for change in layers]),
        "output": Column("output", [[Piece(output_text(change))] for change in layers]),
        "parameters": _grown("parameters", layers),
        "MACs": _grown("MACs", layers),
    }
    for name in ("kind", "output"):
        if grid_width(_shorter(columns, layers, limit)) > limit:
            del columns[name]
    shown = {column.name: column for column in _shorter(columns, layers, limit)}
    seen = Column("receptive field", [[Piece(field_text(change))] for change in layers])
    for column in (seen, _grown("activations", layers), _grown("neurons", layers)):
        wider = {**shown, column.name: column}
        if grid_width(list(wider.values())) <= limit:
            shown = wider
    return list(shown.values())


def _shorter(columns: dict[str, Column], layers: Sequence[LayerChange], limit: int) -> list[Column]:
    """The columns with the names shortened as far as they must and can be."""
    excess = grid_width(list(columns.values())) - limit
    if excess <= 0:
        return list(columns.values())
    kept = max(columns["layer"].width - excess, _SHORTEST)
    return list({**columns, "layer": _names(layers, kept)}.values())


def _names(layers: Sequence[LayerChange], width: int | None) -> Column:
    texts: list[Line] = []
    for change in layers:
        path = path_of(change)
        if width is not None:
            path = ending(path, width - 2)
        style = _STYLES[change.status]
        texts.append([Piece(f"{MARKS[change.status]} ", f"bold {style}"), Piece(path, style)])
    return Column("  layer", texts)


def _grown(name: str, layers: Sequence[LayerChange]) -> Column:
    """How much a count grew; blank where a layer is listed for what it says alone."""
    texts: list[Line] = []
    for change in layers:
        grown = change.count(name.lower()).absolute
        text = "" if change.group else signed(grown)
        texts.append([Piece(text, _tone(grown or 0))])
    return Column(f"Δ {name}", texts, right=True)


def _tone(grown: int) -> str:
    if not grown:
        return "dim"
    return "red" if grown > 0 else "green"


def _totals(view: ComparisonView) -> Iterator[Line]:
    rows = totals(view.comparison)
    old, new = fields(view.comparison)
    labels = [row.label for row in rows]
    columns = [[row.old for row in rows], [row.new for row in rows]]
    grown = [[row.absolute for row in rows], [row.percent for row in rows]]
    tones = [_tone(row.grown) for row in rows]
    if old or new:
        labels.append("receptive field")
        columns = [[*columns[0], old], [*columns[1], new]]
        grown = [[*grown[0], "" if old != new else "0"], [*grown[1], ""]]
        tones.append("" if old != new else "dim")
    yield from grid(
        [
            Column("total", [[Piece(label, "bold")] for label in labels]),
            *(
                Column(name, [[Piece(text)] for text in texts], right=True)
                for name, texts in zip(("before", "after"), columns, strict=True)
            ),
            *(
                Column(name, [[Piece(t, s)] for t, s in zip(texts, tones, strict=True)], right=True)
                for name, texts in zip(("Δ", "%"), grown, strict=True)
            ),
        ]
    )


def _findings(view: ComparisonView, width: int | None) -> Iterator[Line]:
    comparison = view.comparison
    name = heading(comparison)
    if comparison.gained:
        yield []
        if comparison.readable:
            yield [Piece("new findings", "bold")]
        yield from findings_lines(comparison.gained, name=name, width=width)
    if not comparison.lost:
        return
    yield []
    if not comparison.readable:
        yield from findings_lines(comparison.lost, name=name, width=width)
        return
    yield [Piece(f"gone: {counted(comparison.lost)}", "bold")]
    for finding in comparison.lost:
        place = f"{finding.location}: " if finding.location else ""
        said = printable(f"{place}{finding.message}  [{finding.rule}]")
        yield from _wrapped(said, width, "dim", indent="  ")


def _wrapped(text: str, width: int | None, style: str = "", indent: str = "") -> Iterator[Line]:
    """The text on as many lines as it takes; on one where there is no width to fit in."""
    room = max(width - len(indent), 20) if width else len(text)
    for line in textwrap.wrap(text, room) if len(text) > room else [text]:
        yield [Piece(indent + line, style)]
