"""The analysis as a table for a terminal: rows of layers, totals, findings."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cnnkit.analysis.result import Analysis
from cnnkit.layers.base import Shape
from cnnkit.layers.base import show as shape_text
from cnnkit.report.findings import findings_styled
from cnnkit.report.rows import Row, Rows, captions, rows_of
from cnnkit.report.summary import figures, shapes, title
from cnnkit.report.text import axes, cells, printable, short

if TYPE_CHECKING:
    from cnnkit.report.options import Options, Result

# Without a terminal there is no width to fit in; this many columns choose what is shown.
_PIPE = 100
_GAP = 2
_SHORTEST = 12
_NEEDED = ("layer", "kind", "output", "neurons", "parameters", "MACs")
# What is added where there is room, the most wanted first; and the order of all columns.
_WANTED = ("receptive field", "state", "input", "activations", "effective stride")
_ORDER = (
    "layer", "kind", "input", "output", "neurons", "parameters", "state", "MACs",
    "activations", "receptive field", "effective stride",
)  # fmt: skip
_MARKS = {"error": ("✗ ", "bold red"), "warning": ("! ", "bold yellow"), "info": ("i ", "cyan")}


class _Column(NamedTuple):
    """One column: its texts, and the columns of a terminal that it takes."""

    name: str
    texts: Sequence[Text]
    total: str
    right: bool
    width: int


def render(results: Sequence[Result], options: Options) -> str:
    """The tables as a text, with terminal colours only where they are asked for."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=options.width or _PIPE,
        force_terminal=options.color,
        color_system="auto" if options.color else None,
        legacy_windows=False,
    )
    print_to(console, results, options)
    text = file.getvalue()
    if options.color:
        return text
    return "\n".join(line.rstrip() for line in text.split("\n"))


def print_to(console: Console, results: Sequence[Result], options: Options) -> None:
    """Prints the tables; they fit in the width of the options, or in that of a terminal."""
    width = options.width or (console.width if console.is_terminal else None)
    for number, result in enumerate(results):
        if number:
            console.print()
        _print(console, result, replace(options, width=width))


def _print(console: Console, result: Result, options: Options) -> None:
    parts: list[Text | Table] = [Text(title(result), "bold")]
    if isinstance(result, Analysis):
        parts = list(_analysis(result, options))
    if result.findings:
        parts.append(Text())
        parts.append(findings_styled(result.findings, name=title(result), width=options.width))
    for part in parts:
        console.print(part, soft_wrap=True, highlight=False)


def _analysis(analysis: Analysis, options: Options) -> Iterator[Text | Table]:
    rows = rows_of(analysis, options.depth)
    yield Text.assemble((title(analysis), "bold"), "  ", (shapes(analysis), "dim"))
    yield _layers(analysis, rows, options.width)
    yield from (Text(line, "dim italic") for line in captions(rows))
    yield Text()
    yield _totals(analysis, options.width)
    if options.explain:
        from cnnkit.report.explanation import styled

        yield Text()
        yield styled(analysis)


def _layers(analysis: Analysis, rows: Rows, width: int | None) -> Table:
    columns = _fitted(analysis, rows, width)
    table = Table(
        box=SIMPLE,
        show_edge=False,
        show_footer=True,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),
        width=_width(columns),
        header_style="bold",
        footer_style="bold",
        border_style="dim",
    )
    for column in columns:
        table.add_column(
            column.name,
            column.total,
            justify="right" if column.right else "left",
            no_wrap=True,
            width=column.width,
        )
    for cells_of_row in zip(*(column.texts for column in columns), strict=True):
        table.add_row(*cells_of_row)
    return table


def _fitted(analysis: Analysis, rows: Rows, width: int | None) -> list[_Column]:
    """The columns for a width: big numbers shortened, then names; never a number cut off."""
    columns = {name: _column(name, analysis, rows) for name in _NEEDED}
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
    for name in _WANTED:
        if name == "state" and not analysis.totals.state:
            continue
        wider = {**columns, name: _column(name, analysis, rows)}
        if _width(wider.values()) <= (width or _PIPE):
            columns = wider
    return [columns[name] for name in _ORDER if name in columns]


def _width(columns: Collection[_Column]) -> int:
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def _column(name: str, analysis: Analysis, rows: Rows, *, brief: bool = False) -> _Column:
    if name == "layer":
        texts, total = _labels(rows, brief=brief), "total"
    elif name in _NUMBERS:
        attribute = name.lower()
        texts = [_number(row, getattr(row.layer, attribute), brief=brief) for row in rows.rows]
        total = _figure(getattr(analysis.totals, attribute), brief=brief)
    else:
        texts, total = [Text(_TEXTS[name](row)) for row in rows.rows], ""
    width = max(map(cells, (name, total, *(text.plain for text in texts))))
    return _Column(name, texts, total, name in _NUMBERS, width)


def _labels(rows: Rows, *, brief: bool) -> list[Text]:
    """Each row's mark, its place in the tree, and its part of the path."""
    marked = any(row.mark for row in rows.rows)
    texts = []
    for row in rows.rows:
        text = Text()
        if marked:
            text.append(*(_MARKS[row.mark] if row.mark else ("  ",)))
        guide = row.guide.replace("─ ", " ").replace("│  ", "│ ") if brief else row.guide
        text.append(guide.replace("   ", "  ") if brief else guide, "dim")
        label = row.layer.label
        if brief:  # the kind says the name of a block
            label = label.removesuffix(f".{row.layer.kind}")
        text.append(printable(label), "bold" if row.group else "")
        text.append("†" if row.layer.side else "")
        texts.append(text)
    return texts


def _number(row: Row, value: int, *, brief: bool) -> Text:
    if not row.layer.known:
        return Text("?")
    figure = _figure(value, brief=brief)
    return Text(f"Σ{figure}", "dim italic") if row.group else Text(figure, "" if value else "dim")


def _figure(value: int, *, brief: bool) -> str:
    return short(value) if brief else f"{value:,}"


def _shape(shape: Shape | None) -> str:
    return shape_text(shape) if shape else "?"


def _axes(row: Row, attribute: str) -> str:
    return axes(getattr(field, attribute) for field in row.layer.fields or ())


_NUMBERS = ("neurons", "parameters", "state", "MACs", "activations")
_TEXTS: dict[str, Callable[[Row], str]] = {
    "kind": lambda row: printable(row.kind),
    "input": lambda row: _shape(row.layer.input),
    "output": lambda row: _shape(row.layer.output),
    "receptive field": lambda row: _axes(row, "size"),
    "effective stride": lambda row: _axes(row, "stride"),
}


def _totals(analysis: Analysis, width: int | None) -> Table:
    """The totals; a note that does not fit goes on below itself."""
    listed = figures(analysis)
    columns = [max(map(cells, texts)) for texts in zip(*listed, strict=True)]
    wide = sum(columns) + 2 * _GAP
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.width = wide if width is None else min(wide, width)
    table.add_column(style="bold", no_wrap=True, width=columns[0])
    table.add_column(justify="right", no_wrap=True, width=columns[1])
    table.add_column(style="dim")
    for figure in listed:
        table.add_row(*map(Text, figure))
    return table
