"""The analysis as a table for a terminal: rows of layers, totals, findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.analysis.result import Analysis
from cnnkit.layers.shape import Shape
from cnnkit.layers.shape import show as shape_text
from cnnkit.presentation.grid import Column, grid
from cnnkit.presentation.lines import Line, Piece, fitted, joined, plain, styled
from cnnkit.presentation.numbers import axes, cells, printable, short
from cnnkit.report.analysis.rows import LayerRow, Rows, captions, rows_of
from cnnkit.report.analysis.summary import (
    TIMES,
    about,
    field_sizes,
    figures,
    shapes,
    time_columns,
    time_of,
    title,
    total_time,
)
from cnnkit.report.findings.finding import findings_lines

if TYPE_CHECKING:
    from rich.console import Console

    from cnnkit.analysis.scaling.prediction import Scaling
    from cnnkit.report.analysis.options import ReportOptions, Result

# Without a terminal there is no width to fit in; this many columns choose what is shown.
_PIPE = 100
_GAP = 2
_SHORTEST = 12
_NEEDED = ("layer", "kind", "output", "neurons", "parameters", "MACs")
# What is added where there is room, the most wanted first; and the order of all columns.
_WANTED = ("receptive field", "state", "input", "activations", "effective stride")
_ORDER = (
    "layer", "kind", "input", "output", "neurons", "parameters", "state", "MACs", *TIMES,
    "activations", "receptive field", "effective stride",
)  # fmt: skip
_MARKS = {
    "error": Piece("✗ ", "bold red"),
    "warning": Piece("! ", "bold yellow"),
    "info": Piece("i ", "cyan"),
}


class _Column(NamedTuple):
    """One column: its cells, and the columns of a terminal that it takes."""

    name: str
    cells: Sequence[Line]
    total: str
    right: bool
    width: int


def render(results: Sequence[Result], options: ReportOptions) -> str:
    """The tables as a text, with terminal colours only where they are asked for."""
    lines = table_lines(results, options)
    if not options.color:
        return plain(lines) + "\n"
    from rich.console import Console

    console = Console(force_terminal=True, legacy_windows=False)
    with console.capture() as capture:
        print_to(console, results, options)
    return capture.get()


def print_to(console: Console, results: Sequence[Result], options: ReportOptions) -> None:
    """Prints the tables on a terminal, in the width of the options or else in its own."""
    fitting = replace(options, width=options.width or console.width)
    console.print(styled(table_lines(results, fitting)), soft_wrap=True, highlight=False)


def table_lines(results: Sequence[Result], options: ReportOptions) -> Iterator[Line]:
    """The lines of all tables; they fit in the width of the options, where it is given."""
    for number, result in enumerate(results):
        if number:
            yield []
        if isinstance(result, Analysis):
            yield from _analysis(result, options)
        else:
            yield [Piece(title(result), "bold")]
        if result.findings:
            yield []
            yield from findings_lines(result.findings, name=title(result), width=options.width)


def _analysis(analysis: Analysis, options: ReportOptions) -> Iterator[Line]:
    rows = rows_of(analysis, options.depth)
    name, shape = Piece(title(analysis), "bold"), Piece(shapes(analysis), "dim")
    yield from joined(name, "  ", shape, options.width)
    if said := about(analysis):
        lines = (line for each in said for line in wrap(each, min(options.width or _PIPE, _PIPE)))
        yield from ([Piece(line, "italic")] for line in lines)
        yield []
    columns = _fitted(analysis, rows, options.width)
    yield from _layers(columns)
    yield from ([Piece(caption, "dim italic")] for caption in captions(rows))
    yield from _left_out(analysis, columns, options.width)
    yield []
    yield from _totals(analysis, options.width)
    if analysis.scaling is not None and analysis.scaling.tabulated:
        yield from _scaling(analysis.scaling)
    if options.explain:
        from cnnkit.report.analysis.explanation import explanation_lines

        yield []
        yield from explanation_lines(analysis)


def _scaling(scaling: Scaling) -> Iterator[Line]:
    """How a training scales, a table for each way."""
    from cnnkit.report.analysis.scaling import scaling_tables

    for each in scaling_tables(scaling):
        yield []
        yield [Piece(each.title, "bold")]
        columns = zip(each.columns, zip(*each.rows, strict=True), strict=True) if each.rows else ()
        yield from grid(
            [Column(name, [[Piece(cell)] for cell in cells], right=True) for name, cells in columns]
        )
        if each.remark:
            yield [Piece(each.remark, "dim italic")]


def _left_out(analysis: Analysis, columns: Sequence[_Column], width: int | None) -> Iterator[Line]:
    """The columns that a terminal has no room for."""
    if width is None:
        return
    shown = {column.name for column in columns}
    # The stride is for those who ask for it: other formats have it.
    unasked = {"effective stride", *_unasked(analysis)}
    wanted = [name for name in _ORDER if name not in unasked]
    if missing := [name for name in wanted if name not in shown]:
        text = f"no room for {', '.join(missing)}; --format csv has all"
        yield from ([Piece(line, "dim italic")] for line in wrap(text, width))


def _unasked(analysis: Analysis) -> set[str]:
    """The columns that are empty for the network."""
    state = () if analysis.totals.state else ("state",)
    return {*state, *TIMES} - {*time_columns(analysis)}


def _layers(columns: Sequence[_Column]) -> Iterator[Line]:
    rule = [Piece("─" * _width(columns), "dim")]
    yield _row(columns, [[Piece(column.name, "bold")] for column in columns])
    yield rule
    for cells_of_row in zip(*(column.cells for column in columns), strict=True):
        yield _row(columns, cells_of_row)
    yield rule
    yield _row(columns, [[Piece(column.total, "bold")] for column in columns])


def _row(columns: Sequence[_Column], cells_of_row: Sequence[Line]) -> Line:
    pieces: list[Piece] = []
    for column, cell in zip(columns, cells_of_row, strict=True):
        if pieces:
            pieces.append(Piece(" " * _GAP))
        pieces += fitted(cell, column.width, right=column.right)
    return pieces


def _fitted(analysis: Analysis, rows: Rows, width: int | None) -> list[_Column]:
    """The columns for a width: big numbers shortened, then names; never a number cut off."""
    needed = (*_NEEDED, *time_columns(analysis))
    columns = {name: _column(name, analysis, rows) for name in needed}
    if width is not None:
        for name in ("layer", "MACs", "parameters", "neurons"):
            if _width(columns.values()) > width:
                columns[name] = _column(name, analysis, rows, brief=True)
        for name in ("kind", "layer"):
            excess = max(_width(columns.values()) - width, 0)
            kept = max(columns[name].width - excess, min(columns[name].width, _SHORTEST))
            columns[name] = columns[name]._replace(width=kept)
        for name in ("kind", "neurons", "output"):
            if _width(columns.values()) > width:
                del columns[name]
    offered = {*_ORDER} - _unasked(analysis)
    for name in _WANTED:
        if name not in offered:
            continue
        wider = {**columns, name: _column(name, analysis, rows)}
        if _width(wider.values()) <= (width or _PIPE):
            columns = wider
    return [columns[name] for name in _ORDER if name in columns]


def _width(columns: Collection[_Column]) -> int:
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def _column(name: str, analysis: Analysis, rows: Rows, *, brief: bool = False) -> _Column:
    total = ""
    if name == "layer":
        total = "total"
        lines = _labels(rows, brief=brief)
    elif name in _NUMBERS:
        attribute = name.lower()
        total = _figure(getattr(analysis.totals, attribute), brief=brief)
        lines = [[_number(row, getattr(row.layer, attribute), brief=brief)] for row in rows.rows]
    elif name in TIMES:
        total = total_time(analysis, name)
        lines = [[_time(analysis, row, name)] for row in rows.rows]
    else:
        lines = [[Piece(_TEXTS[name](row))] for row in rows.rows]
    widths = (sum(cells(text) for text, _ in line) for line in lines)
    right = name in (*_NUMBERS, *TIMES)
    return _Column(name, lines, total, right, max(len(name), cells(total), *widths, 0))


def _labels(rows: Rows, *, brief: bool) -> list[list[Piece]]:
    """Each row's mark, its place in the tree, and its part of the path."""
    marked = any(row.mark for row in rows.rows)
    lines = []
    for row in rows.rows:
        guide, label = row.guide, row.layer.label
        if brief:  # two columns a level; and the kind says the name of a block
            guide = guide.replace("─ ", " ").replace("│  ", "│ ").replace("   ", "  ")
            label = label.removesuffix(f".{row.layer.kind}")
        line = [Piece(guide, "dim"), Piece(printable(label), "bold" if row.group else "")]
        if marked:
            line.insert(0, _MARKS[row.mark] if row.mark else Piece("  "))
        if row.layer.side:
            line.append(Piece("†"))
        lines.append(line)
    return lines


def _number(row: LayerRow, value: int, *, brief: bool) -> Piece:
    if not row.layer.known:
        return Piece("?")
    figure = _figure(value, brief=brief)
    if row.group:
        return Piece(f"Σ{figure}", "dim italic")
    return Piece(figure, "" if value else "dim")


def _time(analysis: Analysis, row: LayerRow, name: str) -> Piece:
    if not row.layer.known:
        return Piece("?")
    figure = time_of(analysis, row.layer, name)
    return Piece(f"Σ{figure}", "dim italic") if row.group else Piece(figure)


def _figure(value: int, *, brief: bool) -> str:
    return short(value) if brief else f"{value:,}"


def _shape(shape: Shape | None) -> str:
    return shape_text(shape) if shape else "?"


_NUMBERS = ("neurons", "parameters", "state", "MACs", "activations")
_TEXTS: dict[str, Callable[[LayerRow], str]] = {
    "kind": lambda row: printable(row.kind),
    "input": lambda row: _shape(row.layer.input),
    "output": lambda row: _shape(row.layer.output),
    "receptive field": lambda row: field_sizes(row.layer.fields),
    "effective stride": lambda row: axes(field.stride for field in row.layer.fields or ()),
}


def _totals(analysis: Analysis, width: int | None) -> Iterator[Line]:
    """The totals; a note that does not fit goes on below itself."""
    listed = figures(analysis)
    label = max(cells(figure.label) for figure in listed)
    value = max(cells(figure.value) for figure in listed)
    margin = label + value + 2 * _GAP
    for figure in listed:
        notes = [figure.note]
        if width is not None and margin + cells(figure.note) > width:
            notes = wrap(figure.note, max(width - margin, 20)) or [""]
        yield [
            Piece(figure.label.ljust(label + _GAP), "bold"),
            Piece(figure.value.rjust(value)),
            Piece(" " * _GAP + notes[0], "dim"),
        ]
        yield from ([Piece(" " * margin + note, "dim")] for note in notes[1:])
