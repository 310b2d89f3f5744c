"""Which column of a table is the target, and which are no values at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.table import Row, Table, is_number
from cnnkit.errors import DataError, did_you_mean

Column: TypeAlias = str | int | tuple[str, ...] | None
Texts = NDArray[np.str_]

FILE_COLUMNS: Final = (
    *("file", "files", "filename", "file_name", "filepath", "file_path", "path", "paths"),
    *("image", "images", "image_name", "imagename", "image_path", "image_file", "img", "img_path"),
)
"""What columns of the names of files are called."""
_TARGETS: Final = ("label", "labels", "class", "classes", "target", "targets", "category")
_WEAK: Final = "y"  # as good a name for a coordinate
_IDENTITY: Final = re.compile(r"(?i:(.*[_ -])?(id|idx|index|uid|uuid)|unnamed: 0)|.*[a-z]I[dD]")
_COUNTED = 10  # so many lines in order are counted, and no values
_NOTHING: Final = ("", "na", "n/a", "nan", "null", "none", "?")


def target_of(table: Table, target: Column) -> tuple[int, ...]:
    """The places of the target's columns.

    Args:
        table: The table.
        target: The name or the number of a column, or several names; None takes the usual name,
            and the first column of a table without a header.

    Raises:
        DataError: There is no such column, or none that is surely meant.
    """
    if target is None:
        return (_usual(table),)
    wanted = target if isinstance(target, tuple) else (target,)
    return tuple(place_of(table, each) for each in wanted)


def place_of(table: Table, column: str | int) -> int:
    """The place of a column that is named or numbered.

    Raises:
        DataError: There is none.
    """
    path, names = table.path, table.names
    if isinstance(column, int):
        if not 0 <= column < table.width:
            raise DataError(f"{path} has columns 0 to {table.width - 1}, and no column {column}")
        return column
    if names is None:
        raise DataError(f"{path} has no header with a column `{column}`: give its number")
    if column not in names:
        near = did_you_mean(column, names)
        meant = f": did you mean `{near}`?" if near else f": it has {some(names)}"
        raise DataError(f"{path} has no column `{column}`{meant}")
    return names.index(column)


def require_no_counts(
    table: Table, line: int, kept: Sequence[int], values: NDArray[np.float32]
) -> None:
    """Raises where a column of values counts the lines or names the examples."""
    for place, column in enumerate(kept):
        found = values[:, place].astype(np.float64)
        named = bool(table.names and _IDENTITY.fullmatch(table.written(column)))
        if len(found) < (2 if named else _COUNTED) or (found != np.rint(found)).any():
            continue
        counts = _count(found)
        if counts or (named and len(np.unique(found)) == len(found)):
            what = f"counts the lines, {found[0]:.0f} to {found[-1]:.0f}"
            if not counts:
                what = "has another number in each line"
            written = table.written(column)
            raise DataError(
                f"{table.path}:{line}: {table.called(column)} {what}, and tells nothing of an "
                f"example: leave it out, `drop: [{written}]`"
            )


def require_targets(
    table: Table, lines: Sequence[int], chosen: Sequence[int], cells: Texts
) -> None:
    """Raises where targets are missing, or texts among numbers say so."""
    faults = []
    for place, column in enumerate(chosen):
        found = [str(cell) for cell in cells[:, place]]
        numeric = all(is_number(cell) for cell in found if cell.lower() not in _NOTHING)
        for line, cell in zip(lines, found, strict=True):
            if not cell:
                faults.append(f"{table.path}:{line}: {table.called(column)}, the target, is empty")
            elif numeric and cell.lower() in _NOTHING:
                faults.append(
                    f"{table.path}:{line}: {table.called(column)}, the target, is {cell!r}, and "
                    f"numbers in other lines"
                )
    if faults:
        raise DataError(*faults)


def require_first(
    table: Table, line: int, cells: Texts, kept: Sequence[int], values: NDArray[np.float32]
) -> None:
    """Raises where the first column is taken for the target, and the last one looks like it."""
    last = table.width - 1
    first = np.array([float(cell) if is_number(cell) else np.nan for cell in cells[:, 0]])
    if len(first) >= _COUNTED and _count(first):
        raise DataError(
            f"{table.path}:{line}: column 0, the target, counts the lines, {first[0]:.0f} to "
            f"{first[-1]:.0f}: say which is the target, `target: NUMBER`, and leave this out, "
            f"`drop: [0]`"
        )
    if last not in kept or np.isnan(first).any() or _are_labels(first):
        return
    column = values[:, kept.index(last)].astype(np.float64)
    if not _are_labels(column):
        return
    raise DataError(
        f"{table.path}:{line}: column 0, the first, is taken for the target of a table without a "
        f"header, and column {last}, the last, holds classes, {column.min():.0f} to "
        f"{column.max():.0f}: say which it is, `target: {last}` or `target: 0`"
    )


def some(names: Sequence[str]) -> str:
    """Some names, and how many more."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def usual_target(path: Path, names: Row) -> int:
    """The place of the column with a name that targets have.

    Raises:
        DataError: There is none, or there are several.
    """
    lower = [name.lower() for name in names]
    found = [place for place, name in enumerate(lower) if name in _TARGETS]
    if not found and lower.count(_WEAK) == 1:
        return lower.index(_WEAK)
    if len(found) == 1:
        return found[0]
    if found:
        several = " and ".join(f"`{names[place]}`" for place in found)
        raise DataError(f"{path} has {several}: say which is the target, `target: NAME`")
    raise DataError(
        f"{path} has no column `label`, `class`, `target` or `y`: say which is the target, "
        f"`target: NAME`; it has {some(names)}"
    )


def _usual(table: Table) -> int:
    if table.names:
        return usual_target(table.path, table.names)
    last = table.width - 1
    text = table.first[last]
    if last and is_number(table.first[0]) and not is_number(text) and "\n" not in text:
        raise DataError(
            f"{table.path}:1: column 0, the first, is taken for the target of a table without a "
            f"header, and column {last}, the last, is the text {text.strip()[:40]!r}: "
            f"say which it is, `target: {last}`"
        )
    return 0


def _count(column: NDArray[np.float64]) -> bool:
    """Whether each line has one more than the line before, from 0 or 1."""
    return column[0] in (0, 1) and bool((np.diff(column) == 1).all())


def _are_labels(column: NDArray[np.float64]) -> bool:
    """Whether numbers are those of classes: 0 or 1 and on, each of them several times."""
    if (column != np.rint(column)).any():
        return False
    found = np.unique(column)
    in_turn = found[0] in (0, 1) and found[-1] - found[0] == len(found) - 1
    return bool(in_turn and len(found) > 1 and 2 * len(found) <= len(column))
