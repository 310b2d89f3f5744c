"""The lines of a table in a text file: its separators, its header, its columns."""

from __future__ import annotations

import csv
import gzip
import itertools
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cnnkit.data.files import readable
from cnnkit.data.layout import SUFFIXES
from cnnkit.errors import DataError

Row = list[str]

# Text is compressed a thousand times at most: a file of 16 MB may hold 16 GiB.
_LARGEST = 2**34
# So many columns in order are the numbers that pandas gives columns, and no example.
_NUMBERED = 8


@dataclass(frozen=True)
class Table:
    """A table while it is read.

    Attributes:
        path: The file.
        names: The names of the columns, where there is a header.
        width: The number of the columns.
        first: The first line of values.
        rows: The number of each line of values in the file, and its cells.
    """

    path: Path
    names: Row | None
    width: int
    first: Row
    rows: Iterator[tuple[int, Row]]

    def called(self, column: int) -> str:
        """What messages call a column."""
        return f"`{self.names[column]}`" if self.names else f"column {column}"

    def written(self, column: int) -> str:
        """How a spec names a column."""
        return self.names[column] if self.names else str(column)


@contextmanager
def opened(path: Path, named: Sequence[str] = ()) -> Iterator[Table]:
    """The table in a file in UTF-8.

    The first line is a header where it has a text in a column in which the second line has a
    number or the name of an image file, or numbers 8 columns or more from 0.

    Args:
        path: The file.
        named: Names of columns: the first line is a header where it has all of them.

    Raises:
        DataError: The file is no table, or one without lines.
        UsageError: There is no such file.
    """
    with readable(path):
        try:
            with _text(path) as stream:
                separator = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else ","
                reader = csv.reader(_bounded(stream, path), delimiter=separator)
                # A text may hold line breaks, so that a line of the table is several of the file.
                yield _table(path, ((reader.line_num, row) for row in reader if row), named)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is no text in UTF-8: {error.reason}") from None
        except csv.Error as error:
            raise DataError(f"{path} is no CSV file: {error}") from None
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{path} is no .gz file, or a damaged one: {error}") from None


def is_number(cell: str) -> bool:
    """Whether a cell is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _text(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _bounded(lines: IO[str], path: Path) -> Iterator[str]:
    size = 0
    for line in lines:
        size += len(line)
        if size > _LARGEST:
            raise DataError(f"{path} unpacks to more than {_LARGEST:,} characters")
        yield line


def _table(path: Path, rows: Iterator[tuple[int, Row]], named: Sequence[str]) -> Table:
    head = list(itertools.islice(rows, 2))
    if not head:
        raise DataError(f"{path} is empty")
    width, headed = len(head[0][1]), _is_header(head, named)
    if headed and len(head) == 1:
        raise DataError(f"{path} has a header, and no line of values")
    names = [name.strip() for name in head[0][1]] if headed and not _numbered(head[0][1]) else None
    if names and "" in names:
        raise DataError(
            f"{path}: column {names.index('')} has no name in the header; pandas writes its index "
            f"so, unless it is told `index=False`"
        )
    if names and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path} has two columns `{twice}`: give each a name of its own")
    values = head[1:] if headed else head
    return Table(path, names, width, values[0][1], itertools.chain(values, rows))


def _is_header(head: Sequence[tuple[int, Row]], named: Sequence[str]) -> bool:
    if _numbered(head[0][1]):
        return True
    if named and {*named} <= {cell.strip() for cell in head[0][1]}:
        return True
    first = [is_number(cell) for cell in head[0][1]]
    if len(head) == 1:
        return not any(first)
    second = [is_number(cell) for cell in head[1][1]]
    files = [[_is_image(cell) for cell in row] for _, row in head]
    return any(
        not above and below
        for one, other in ((first, second), files)
        for above, below in zip(one, other, strict=False)
    )


def _is_image(cell: str) -> bool:
    """Whether a cell is the name of an image file."""
    return Path(cell.strip()).suffix.lower() in SUFFIXES


def _numbered(row: Row) -> bool:
    """Whether a line numbers the columns, as pandas does where they have no names."""
    return len(row) >= _NUMBERED and row == [str(column) for column in range(len(row))]
