"""What `solve` found, as a sheet that each format writes: a heading, a table, and remarks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from cnnkit.presentation.grid import Column, grid
from cnnkit.presentation.lines import Line, Piece
from cnnkit.report.analysis.markdown import prose


@dataclass(frozen=True, slots=True)
class SolutionSheet:
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


def lines(sheets: Sequence[SolutionSheet], width: int | None) -> Iterator[Line]:
    """Sheets for a terminal, one under another."""
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
            wrapped = [remark] if command or width is None else wrap(remark, width)
            yield from ([Piece(line, "cyan" if command else "")] for line in wrapped)


def _fitted(sheet: SolutionSheet, width: int | None) -> list[Column]:
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


def markdown(sheet: SolutionSheet) -> str:
    """A sheet as a section of Markdown."""
    written = [f"### {prose(sheet.title)}"]
    if sheet.rows:
        written += ["", f"| {' | '.join(sheet.columns)} |"]
        written.append(f"| {' | '.join(['---', *['---:'] * (len(sheet.columns) - 1)])} |")
        for at, row in enumerate(sheet.rows):
            bold = "**" if at == sheet.marked else ""
            cells = [f"{bold}{prose(cell)}{bold}" if cell else "" for cell in row]
            written.append(f"| {' | '.join(cells)} |")
    for remark in sheet.remarks:
        command = remark.startswith(" ")
        written += ["", f"    {remark.strip()}" if command else prose(remark)]
    return "\n".join(written)


def comma_separated(sheets: Sequence[SolutionSheet]) -> str:
    """Sheets of the same columns as one table of CSV."""
    text = io.StringIO()
    writer: Any = csv.writer(text, lineterminator="\n")
    writer.writerow([name.replace(" ", "_").lower() for name in sheets[0].columns])
    for sheet in sheets:
        writer.writerows([cell.replace(",", "") for cell in row] for row in sheet.rows)
    return text.getvalue()
