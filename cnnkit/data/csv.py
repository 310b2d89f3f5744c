"""CSV files: an example a line, a column for its target and one for each of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.columns import (
    Column,
    Texts,
    place_of,
    require_first,
    require_no_counts,
    require_targets,
    target_of,
)
from cnnkit.data.conversion import dataset_of
from cnnkit.data.dataset import Array, Dataset
from cnnkit.data.table import Row, Table, is_number, opened
from cnnkit.errors import DataError

# Enough to see what is wrong with a file; one that is wrong in every line is read no further.
_FAULTS = 100


class Parsed(NamedTuple):
    """A table that was read: values ``[N, D]``, targets as texts ``[N, K]``, what they are."""

    values: NDArray[np.float32]
    targets: Texts
    story: str


def read(
    path: Path,
    *,
    target: Column = None,
    drop: Sequence[str | int] = (),
    test: Path | None = None,
) -> Dataset:
    """The data set in a CSV file; an example's values stand in the order of the input's axes.

    Values that are all whole numbers of 0..255 become bytes. Targets that are whole numbers are
    classes, other numbers values to predict, and texts classes in their sorted order.

    Args:
        path: The file, in UTF-8, with commas or in a file ``.tsv`` with tabs; it may end in
            ``.gz``.
        target: The column of the target, by its name or by its place from 0, or the names of
            several; by default as in ``columns.target_of``.
        drop: The columns that are not read.
        test: A file of the same columns with the test split.

    Raises:
        DataError: Lines are of unequal length, hold texts among the values, or lack a target.
        UsageError: There is no such file.
    """
    whole = _parsed(path, target, drop)
    values, targets = whole.values, whole.targets
    if test is None:
        dataset = dataset_of(path.name, (_bytes(values), typed(targets)), None, str(path))
        return replace(dataset, target=whole.story)
    more = _parsed(test, target, drop)
    alike = (values.shape[1], targets.shape[1]) == (more.values.shape[1], more.targets.shape[1])
    if not alike:
        raise DataError(f"{test} has other columns than {path}")
    # Both files at once, so that a text or a fraction in either means the same in both.
    count = len(targets)
    values = _bytes(np.concatenate([values, more.values]))
    both = typed(np.concatenate([targets, more.targets]))
    train, tested = (values[:count], both[:count]), (values[count:], both[count:])
    return replace(dataset_of(path.name, train, tested, str(path)), target=whole.story)


def _parsed(path: Path, target: Column, drop: Sequence[str | int]) -> Parsed:
    columns = (*(target if isinstance(target, tuple) else (target,)), *drop)
    with opened(path, [each for each in columns if isinstance(each, str)]) as table:
        chosen = target_of(table, target)
        dropped = {place_of(table, column) for column in drop}
        if dropped & set(chosen):
            raise DataError(f"{path}: {table.called(chosen[0])} is both the target and dropped")
        kept = [place for place in range(table.width) if place not in {*chosen, *dropped}]
        if not kept:
            marks = _separator(table.names or table.first)
            raise DataError(f"{path} has no column of values beside its target{marks}")
        lines, values, targets, faults = [], [], [], []
        unread: list[tuple[int, Row]] = []
        for number, row in table.rows:
            if len(row) != table.width:
                faults.append(
                    f"{path}:{number} has {len(row)} columns, but the first line {table.width}"
                )
            elif (numbers := _numbers([row[column] for column in kept])) is None:
                faults.append(f"{path}:{number}: {_wrong(row, kept, table)}")
                unread.append((number, row))
            else:
                lines.append(number)
                values.append(numbers)
                targets.append([row[column].strip() for column in chosen])
            if len(faults) >= _FAULTS:
                break
    if len(unread) > 1 and not values:
        raise DataError(_texts(table, unread, kept))
    if faults:
        raise DataError(*faults)
    stacked, texts = np.stack(values), np.array(targets)
    require_targets(table, lines, chosen, texts)
    if target is None and table.names is None:
        require_first(table, lines[0], texts, kept, stacked)
    require_no_counts(table, lines[0], kept, stacked)
    return Parsed(stacked, texts, _story(table, chosen, target))


def _story(table: Table, chosen: Sequence[int], target: Column) -> str:
    """What the target is, for people."""
    names = ", ".join(table.called(column) for column in chosen)
    if target is None and table.names is None:
        return f"{names}, the first of a table without a header"
    return names


def _numbers(cells: Row) -> NDArray[np.float32] | None:
    try:
        with np.errstate(over="ignore"):
            return np.array(cells, np.float32)
    except ValueError:
        return None


def _wrong(row: Row, kept: Sequence[int], table: Table) -> str:
    column = next(column for column in kept if not is_number(row[column]))
    called = table.called(column)
    return (
        f"{called} is {row[column][:40]!r}, which is no number"
        if row[column].strip()
        else (f"{called} is empty")
    )


def _texts(table: Table, unread: Sequence[tuple[int, Row]], kept: Sequence[int]) -> str:
    """What is said of a table in which no line has values alone."""
    number, first = unread[0]
    wrong = [column for column in kept if not is_number(first[column])]
    columns = [column for column in wrong if not any(is_number(row[column]) for _, row in unread)]
    if not columns:
        return f"{table.path}:{number}: {_wrong(first, kept, table)}, as in all lines"
    names = ", ".join(table.called(column) for column in columns)
    drop = ", ".join(table.written(column) for column in columns)
    text = first[columns[0]].strip()[:40]
    hold = "hold no numbers" if len(columns) > 1 else "holds no numbers"
    return (
        f"{table.path}:{number}: {names} {hold}, but such as {text!r}: write them as numbers, or "
        f"leave them out, `drop: [{drop}]`"
    )


def _separator(row: Row) -> str:
    text = row[0]
    other = next((mark for mark in (";", "\t", "|") if mark in text), None)
    return f": separate the columns by commas, not by {other!r}" if other else ""


def _bytes(values: NDArray[np.float32]) -> Array:
    """Values that are pixels as bytes, others as they are."""
    if ((values >= 0) & (values <= 255) & (values == np.rint(values))).all():
        return values.astype(np.uint8)
    return values


def typed(targets: NDArray[np.str_]) -> Array:
    """Texts ``[N, K]`` as what they say: whole numbers, numbers, or texts."""
    for kind in (np.int64, np.float64):
        try:
            return targets.astype(kind)
        except (ValueError, OverflowError):
            continue
    return targets[:, 0] if targets.shape[1] == 1 else targets
