"""What `solve` found, as a sheet that each format writes: a heading, a table, and remarks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from cnnkit.analysis.solve import BudgetSolution, InputSolution, WindowSolution
from cnnkit.layers.base import show
from cnnkit.report.grid import Column, grid
from cnnkit.report.lines import Line, Piece, plain
from cnnkit.report.markdown import prose
from cnnkit.report.output import put_lines, put_text

if TYPE_CHECKING:
    from pathlib import Path

    Solution = WindowSolution | InputSolution | BudgetSolution
    """What any of the three searches gives."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A solution in words and figures.

    Attributes:
        title: What was solved, and the answer.
        columns: The headings of the table.
        rows: Its rows, all figures as text.
        remarks: What must be known, and what can be done with it.
        marked: The row that is the answer among others.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()
    marked: int | None = None


def write(
    solution: Solution,
    format: str = "table",  # noqa: A002 - the name of the flag
    output: Path | None = None,
    *,
    source: str = "SPEC",
    assignments: Sequence[str] = (),
) -> None:
    """Writes a solution to a file or to standard output.

    Args:
        solution: What was found.
        format: One of ``SOLUTION_FORMATS``.
        output: The file; None is standard output.
        source: The spec's name in commands that are given to apply the answer.
        assignments: What `--set` took, which belongs into them, too.

    Raises:
        UsageError: The file cannot be written.
    """
    if format == "table":
        put_lines(_tabled(solution, source, assignments), output)
    else:
        put_text(render(solution, format, source=source, assignments=assignments), output)


def render(
    solution: Solution,
    format: str = "table",  # noqa: A002 - the name of the flag
    *,
    source: str = "SPEC",
    assignments: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """A solution as a text; a table fits in ``width`` where that is given."""
    if format == "json":
        return json.dumps(solution.to_dict(), ensure_ascii=False, indent=2) + "\n"
    if format == "table":
        return plain(_tabled(solution, source, assignments)(width)) + "\n"
    sheets = _sheets(solution, source, assignments)
    return _csv(sheets) if format == "csv" else "\n\n".join(map(_markdown, sheets)) + "\n"


def _tabled(
    solution: Solution, source: str, assignments: Sequence[str]
) -> Callable[[int | None], Iterator[Line]]:
    if isinstance(solution, WindowSolution):
        from cnnkit.report.solution_matrix import lines

        return lambda width: lines(solution, width)
    sheets = _sheets(solution, source, assignments)
    return lambda width: _lines(sheets, width)


def _sheets(solution: Solution, source: str, assignments: Sequence[str]) -> list[Sheet]:
    from cnnkit.report import solution_sheets

    if isinstance(solution, WindowSolution):
        return [_windows(solution)]
    if isinstance(solution, InputSolution):
        return list(solution_sheets.inputs(solution))
    return [solution_sheets.budget(solution, source, assignments)]


def _windows(solution: WindowSolution) -> Sheet:
    from cnnkit.report.solution_matrix import remarks, title

    rows = [
        (str(fit.stride), str(fit.padding), str(fit.before), str(fit.after), show(fit.output))
        for fit in solution.fits
    ]
    columns = ("stride", "padding", "before", "after", "output")
    return Sheet(title(solution), columns, rows, list(remarks(solution)))


def _lines(sheets: Sequence[Sheet], width: int | None) -> Iterator[Line]:
    for number, sheet in enumerate(sheets):
        if number:
            yield []
        yield [Piece(sheet.title, "bold")]
        if sheet.rows:
            yield []
            yield from grid(_fitted(sheet, width))
        if sheet.remarks:
            yield []
        for remark in sheet.remarks:
            command = remark.startswith(" ")  # to be copied as it is
            lines = [remark] if command or width is None else wrap(remark, width)
            yield from ([Piece(line, "cyan" if command else "")] for line in lines)


def _fitted(sheet: Sheet, width: int | None) -> list[Column]:
    """The columns, the last ones left out where the width does not suffice."""
    columns: list[Column] = []
    for number, name in enumerate(sheet.columns):
        texts: list[Line] = [
            [Piece(row[number], "bold green" if at == sheet.marked else "")]
            for at, row in enumerate(sheet.rows)
        ]
        column = Column(name, texts, right=number > 0)
        if width is None or sum(c.width + 2 for c in columns) + column.width <= width:
            columns.append(column)
    return columns


def _markdown(sheet: Sheet) -> str:
    lines = [f"### {prose(sheet.title)}"]
    if sheet.rows:
        lines += ["", f"| {' | '.join(sheet.columns)} |"]
        lines.append(f"| {' | '.join(['---', *['---:'] * (len(sheet.columns) - 1)])} |")
        for at, row in enumerate(sheet.rows):
            bold = "**" if at == sheet.marked else ""
            cells = [f"{bold}{prose(cell)}{bold}" if cell else "" for cell in row]
            lines.append(f"| {' | '.join(cells)} |")
    for remark in sheet.remarks:
        command = remark.startswith(" ")
        lines += ["", f"    {remark.strip()}" if command else prose(remark)]
    return "\n".join(lines)


def _csv(sheets: Sequence[Sheet]) -> str:
    text = io.StringIO()
    writer: Any = csv.writer(text, lineterminator="\n")
    writer.writerow([name.replace(" ", "_").lower() for name in sheets[0].columns])
    for sheet in sheets:
        writer.writerows([cell.replace(",", "") for cell in row] for row in sheet.rows)
    return text.getvalue()
