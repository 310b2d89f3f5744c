"""CSV files: an example a line, a column for its target and one for each of its values."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.conversion import dataset_of
from cnnkit.data.dataset import Array, Dataset
from cnnkit.data.files import readable
from cnnkit.errors import DataError, did_you_mean

Column: TypeAlias = str | int | tuple[str, ...] | None
Row: TypeAlias = list[str]

_TARGETS = ("label", "class")
# Enough to see what is wrong with a file; one that is wrong in every line is read no further.
_FAULTS = 100
# So many columns in order are the numbers that pandas gives columns, and no example.
_NUMBERED = 8


def read(path: Path, *, target: Column = None, test: Path | None = None) -> Dataset:
    """The data set in a CSV file; an example's values stand in the order of the input's axes.

    Values that are all whole numbers of 0..255 become bytes. Targets that are whole numbers are
    classes, other numbers values to predict, and texts classes in their sorted order. The first
    line is a header where it has a text in a column in which the second line has a number, or
    numbers 8 columns or more from 0.

    Args:
        path: The file, in UTF-8, with commas.
        target: The column of the target, by its name or by its place from 0, or the names of
            several; by default the one called ``label`` or ``class``, or else the first.
        test: A file of the same columns with the test split.

    Raises:
        DataError: Lines are of unequal length, or hold texts among the values.
        UsageError: There is no such file.
    """
    values, targets = _table(path, target)
    if test is None:
        return dataset_of(path.name, (_bytes(values), _typed(targets)), None, str(path))
    more, more_targets = _table(test, target)
    if more.shape[1:] != values.shape[1:] or more_targets.shape[1:] != targets.shape[1:]:
        raise DataError(f"{test} has other columns than {path}")
    # Both files at once, so that a text or a fraction in either means the same in both.
    count = len(targets)
    values = _bytes(np.concatenate([values, more]))
    typed = _typed(np.concatenate([targets, more_targets]))
    train, tested = (values[:count], typed[:count]), (values[count:], typed[count:])
    return dataset_of(path.name, train, tested, str(path))


def _table(path: Path, target: Column) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """The values ``[N, D]``, and the targets as texts ``[N, K]``."""
    with readable(path), path.open(encoding="utf-8-sig", newline="") as stream:
        try:
            reader = csv.reader(stream)
            # A text may hold line breaks, so that a line of the table is several of the file.
            rows = ((reader.line_num, row) for row in reader if row)
            return _parsed(rows, path, target)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is no text in UTF-8: {error.reason}") from None
        except csv.Error as error:
            raise DataError(f"{path} is no CSV file: {error}") from None


def _parsed(
    rows: Iterator[tuple[int, Row]], path: Path, target: Column
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    head = list(itertools.islice(rows, 2))
    if not head:
        raise DataError(f"{path} is empty")
    names = head[0][1] if _is_header(head) else None
    if names and "" in names:
        raise DataError(
            f"{path}: column {names.index('')} has no name in the header; pandas writes its index "
            f"so, unless it is told `index=False`"
        )
    if names and len(head) == 1:
        raise DataError(f"{path} has a header, and no line of values")
    width = len(head[0][1])
    chosen = _chosen(path, target, names, width)
    kept = [column for column in range(width) if column not in chosen]
    if not kept:
        raise DataError(f"{path} has no column of values beside its target{_separator(head[0][1])}")
    values, targets, faults = [], [], []
    for number, row in itertools.chain(head[1:] if names else head, rows):
        if len(row) != width:
            faults.append(f"{path}:{number} has {len(row)} columns, but the first line {width}")
        elif (numbers := _numbers([row[column] for column in kept])) is None:
            faults.append(f"{path}:{number}: {_wrong(row, kept, names)}")
        else:
            values.append(numbers)
            targets.append([row[column].strip() for column in chosen])
        if len(faults) >= _FAULTS:
            break
    if faults:
        raise DataError(*faults)
    return np.stack(values), np.array(targets)


def _is_header(head: Sequence[tuple[int, Row]]) -> bool:
    width = len(head[0][1])
    if width >= _NUMBERED and head[0][1] == [str(column) for column in range(width)]:
        return True
    first = [_is_number(cell) for cell in head[0][1]]
    if len(head) == 1:
        return not any(first)
    second = [_is_number(cell) for cell in head[1][1]]
    return any(not above and below for above, below in zip(first, second, strict=False))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _chosen(path: Path, target: Column, names: Row | None, width: int) -> tuple[int, ...]:
    """The places of the target's columns."""
    if target is None:
        usual = [name for name in _TARGETS if names and name in names]
        return (names.index(usual[0]) if names and usual else 0,)
    if isinstance(target, int):
        if not 0 <= target < width:
            raise DataError(f"{path} has columns 0 to {width - 1}, and no column {target}")
        return (target,)
    wanted = (target,) if isinstance(target, str) else target
    if names is None:
        raise DataError(f"{path} has no header with a column `{wanted[0]}`: give its number")
    for name in wanted:
        if name not in names:
            near = did_you_mean(name, names)
            meant = f": did you mean `{near}`?" if near else f": it has {_some(names)}"
            raise DataError(f"{path} has no column `{name}`{meant}")
    return tuple(names.index(name) for name in wanted)


def _numbers(cells: Row) -> NDArray[np.float32] | None:
    try:
        with np.errstate(over="ignore"):
            return np.array(cells, np.float32)
    except ValueError:
        return None


def _wrong(row: Row, kept: Sequence[int], names: Row | None) -> str:
    column = next(column for column in kept if not _is_number(row[column]))
    called = f"`{names[column]}`" if names else f"column {column}"
    return (
        f"{called} is {row[column][:40]!r}, which is no number"
        if row[column].strip()
        else (f"{called} is empty")
    )


def _separator(row: Row) -> str:
    text = row[0]
    other = next((mark for mark in (";", "\t", "|") if mark in text), None)
    return f": separate the columns by commas, not by {other!r}" if other else ""


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _bytes(values: NDArray[np.float32]) -> Array:
    """Values that are pixels as bytes, others as they are."""
    if ((values >= 0) & (values <= 255) & (values == np.rint(values))).all():
        return values.astype(np.uint8)
    return values


def _typed(targets: NDArray[np.str_]) -> Array:
    """Texts as what they say: whole numbers, numbers, or texts."""
    for kind in (np.int64, np.float64):
        try:
            return targets.astype(kind)
        except (ValueError, OverflowError):
            continue
    return targets[:, 0] if targets.shape[1] == 1 else targets
