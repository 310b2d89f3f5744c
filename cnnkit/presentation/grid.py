"""Columns of text side by side, for a terminal and for a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnnkit.presentation.lines import Line, Piece, fitted
from cnnkit.presentation.numbers import cells

GAP = 2
"""Blanks between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and a line of text for each row."""

    name: str
    cells: Sequence[Line]
    right: bool = False

    @property
    def width(self) -> int:
        """The columns of a terminal that it takes."""
        return max(cells(self.name), *map(line_width, self.cells), 0)


def line_width(line: Line) -> int:
    """The columns of a terminal that a line takes."""
    return sum(cells(text) for text, _ in line)


def grid_width(columns: Sequence[Column]) -> int:
    """The columns of a terminal that all take."""
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def grid(columns: Sequence[Column], notes: Sequence[Sequence[Line]] = ()) -> Iterator[Line]:
    """The headings, a rule, and the rows; ``notes`` are lines that go below each row."""
    widths = [column.width for column in columns]
    yield _row(columns, widths, [[Piece(column.name, "bold")] for column in columns])
    yield [Piece("─" * (sum(widths) + GAP * (len(widths) - 1)), "dim")]
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
        yield _row(columns, widths, row)
        yield from notes[number] if notes else ()


def _row(columns: Sequence[Column], widths: Sequence[int], row: Sequence[Line]) -> Line:
    pieces: list[Piece] = []
    for column, width, cell in zip(columns, widths, row, strict=True):
        if pieces:
            pieces.append(Piece(" " * GAP))
        pieces += fitted(cell, width, right=column.right)
    return pieces
