"""A table of a page, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class TableCell(NamedTuple):
    """A cell that is more than a text.

    Attributes:
        text: What it says.
        kind: The class of the style sheet, such as ``weak``.
        code: Whether it is written as code.
        link: The page that it leads to; empty where it leads nowhere.
        value: The number that rows are sorted by, where its text is not read as one: `3:05`.
    """

    text: str
    kind: str = ""
    code: bool = False
    link: str = ""
    value: float | None = None


class ColumnHead(NamedTuple):
    """The head of a column.

    Attributes:
        text: What stands there.
        whole: What that stands for, which shows where a pointer rests on it.
    """

    text: str
    whole: str = ""


@dataclass(frozen=True)
class PageTable:
    """Rows below heads.

    Attributes:
        heads: Of the columns; none where the rows speak for themselves.
        rows: The cells of each row.
        kinds: The class of the style sheet of each row; empty where none has any.
        foot: The cells below all rows.
        sortable: Whether the reader may sort the rows by a column.
        words: How many columns are words, which begin at the left.
        caption: What it shows, for who cannot see where it stands.
    """

    heads: Sequence[ColumnHead | str]
    rows: Sequence[Sequence[TableCell | str]]
    kinds: Sequence[str] = ()
    foot: Sequence[TableCell | str] = ()
    sortable: bool = False
    words: int = 1
    caption: str = ""
