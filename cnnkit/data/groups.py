"""Which examples belong together, as those of one patient do: no split has them on two sides.

A group is what a table says of an example's file, or what a pattern finds in its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePath, PureWindowsPath
from typing import Final

import numpy as np

from cnnkit.data.columns import FILE_COLUMNS, some
from cnnkit.data.dataset import Dataset
from cnnkit.data.layout import SUFFIXES
from cnnkit.data.membership import FILE, Groups
from cnnkit.data.table import Table, opened
from cnnkit.errors import DataError
from cnnkit.spec.model.training.split import names_table

_GROUP_COLUMNS: Final = ("group", "groups", "patient", "patient_id", "subject", "subject_id")


def groups_of(dataset: Dataset, by: str | None, place: str = "") -> Groups | None:
    """The groups of the examples of a data set; None where each is by itself.

    Args:
        dataset: The data set.
        by: The path of a table, or a regular expression with one group, which is looked for in
            the name of each file, as seen from the folder of the data set. Without either the
            examples of one file, tiles and slices, are a group.
        place: Where the spec says so, as messages begin.

    Raises:
        DataError: All that is wrong: examples without a group, or a group in the training and in
            another split that the data set has of its own.
        UsageError: There is no such table.
    """
    names = _names(dataset)
    if by is None:
        if names is None or not _has_parts(dataset):
            return None
        by, found = FILE, names
    elif names_table(by):
        found = _of_table(Path(by), names, dataset, place)
    else:
        found = _of_pattern(by, names, dataset, place)
    known = sorted(set(found))
    number = {name: index for index, name in enumerate(known)}
    every = np.array([number[name] for name in found], np.int64)
    count = len(dataset.train)
    test = None if dataset.test is None else every[count:]
    groups = Groups(by, tuple(known), every[:count], test, place)
    _require_own_splits_apart(dataset, groups, place)
    return groups


def _has_parts(dataset: Dataset) -> bool:
    """Whether a file has several examples."""
    return dataset.train.sources is not None and bool(dataset.train.sources.parts)


def _names(dataset: Dataset) -> list[str] | None:
    """The names of the files of all examples, those of the test split last; None without files."""
    parts = [part for part in (dataset.train, dataset.test) if part is not None]
    if any(part.sources is None for part in parts):
        return None
    return [path.as_posix() for part in parts if part.sources for path in part.sources.paths]


def _of_pattern(by: str, names: list[str] | None, dataset: Dataset, place: str) -> list[str]:
    if names is None:
        raise DataError(
            f"{place}`group: {by}` is a pattern of the names of files, and the examples of "
            f"{dataset.name} have none: give a table of one column, `group: FILE.csv`, with the "
            f"group of each example in their order"
        )
    pattern = re.compile(by)
    matches = [pattern.search(name) for name in names]
    found = [match[1] if match else None for match in matches]
    pairs = dict(zip(names, found, strict=True))
    if lacking := [name for name, group in pairs.items() if not group]:
        none = len(lacking) == len(pairs)
        what = "is found in no name of a file" if none else "is not found in the name of each file"
        raise DataError(
            f"{place}`group: {by}` {what} of {dataset.name}, as {some(lacking)}: "
            f"write one that is found in all of them"
        )
    return [group for group in found if group]


def _of_table(path: Path, names: list[str] | None, dataset: Dataset, place: str) -> list[str]:
    with opened(path) as table:
        rows = list(table.rows)
        file, group = _columns(table, rows)
        faults = []
        cells: list[tuple[int, str, str]] = []
        for line, row in rows:
            if len(row) != table.width:
                faults.append(
                    f"{path}:{line} has {len(row)} columns, but the first line {table.width}"
                )
            elif not row[group].strip():
                faults.append(
                    f"{path}:{line}:{_column_of(row, group)}: {table.called(group)} is empty"
                )
            else:
                cells.append((line, "" if file is None else row[file].strip(), row[group].strip()))
    if faults:
        raise DataError(*faults)
    if file is None:
        return _in_order(path, cells, dataset, place)
    if names is None:
        raise DataError(
            f"{place}{path} names files, and the examples of {dataset.name} have none: give a "
            f"table of one column, with the group of each example in their order"
        )
    return _by_name(path, cells, names, dataset, place)


def _columns(table: Table, rows: list[tuple[int, list[str]]]) -> tuple[int | None, int]:
    """The columns of files and of groups; of one column alone the groups are in order."""
    heads = [name.lower().replace(" ", "_") for name in table.names or ()]
    if not heads and [cell.strip().lower() for cell in rows[0][1]][-1] in _GROUP_COLUMNS:
        heads = [cell.strip().lower().replace(" ", "_") for cell in rows.pop(0)[1]]
    if table.width == 1:
        return None, 0
    groups = [place for place, name in enumerate(heads) if name in _GROUP_COLUMNS]
    files = [place for place, name in enumerate(heads) if name in FILE_COLUMNS] or [
        place
        for place, cell in enumerate(rows[0][1][: table.width] if rows else ())
        if PurePath(cell.strip()).suffix.lower() in SUFFIXES
    ]
    if table.width == 2:
        file = files[0] if files else 1 - groups[0] if groups else 0
        return file, 1 - file
    if len(groups) != 1 or len(files) != 1:
        raise DataError(
            f"{table.path} has {table.width} columns: call the one of the names of files `file`, "
            f"and the one of their groups `group`"
        )
    return files[0], groups[0]


def _column_of(row: Sequence[str], place: int) -> int:
    """Where a cell begins in its line, from 1, of cells without quotes."""
    return sum(len(cell) + 1 for cell in row[:place]) + 1


def _in_order(
    path: Path, cells: list[tuple[int, str, str]], dataset: Dataset, place: str
) -> list[str]:
    total = len(dataset.train) + (0 if dataset.test is None else len(dataset.test))
    if len(cells) != total:
        parts = "" if dataset.test is None else ", those of its test set last"
        raise DataError(
            f"{place}{path} has {len(cells):,} groups, and {dataset.name} {total:,} examples: "
            f"give the group of each in a line, in their order{parts}"
        )
    return [group for _, _, group in cells]


def _by_name(
    path: Path,
    cells: list[tuple[int, str, str]],
    names: list[str],
    dataset: Dataset,
    place: str,
) -> list[str]:
    """The group of each file, by its path, its path without suffix, or its name alone."""
    known = [_called(dict.fromkeys(names), form) for form in _FORMS]
    found: dict[str, tuple[str, int]] = {}
    faults = []
    for line, file, group in cells:
        name = PureWindowsPath(file).as_posix().removeprefix("./")
        meant = next((form[name] for form in known if name in form), ())
        if len(meant) > 1:
            faults.append(
                f"{path}:{line}: {file} may be {some(meant)}: write its path, as seen from the "
                f"folder of {dataset.name}"
            )
        for each in meant[:1]:
            before, at = found.setdefault(each, (group, line))
            if before != group:
                faults.append(f"{path}:{line}: {file} is of {group}, and in line {at} of {before}")
    lacking = [name for name in dict.fromkeys(names) if name not in found]
    if lacking and not faults:
        faults.append(
            f"{place}{path} has no group of {some(lacking)} of {dataset.name}: add a line for each"
        )
    if faults:
        raise DataError(*faults)
    return [found[name][0] for name in names]


def _called(names: Iterable[str], form: Callable[[PurePath], str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(form(PurePath(name)), []).append(name)
    return found


_FORMS: Final[tuple[Callable[[PurePath], str], ...]] = (
    lambda path: path.as_posix(),
    lambda path: path.with_suffix("").as_posix(),
    lambda path: path.name,
    lambda path: path.stem,
)
"""What a table may call a file."""


def _require_own_splits_apart(dataset: Dataset, groups: Groups, place: str) -> None:
    """Raises where a split that the data set comes with has a group of the training split."""
    own = dataset.validation
    training = groups.train if own is None else np.delete(groups.train, own)
    held = {"validation": None if own is None else groups.train[own], "test": groups.test}
    faults = []
    for name, part in held.items():
        both = [] if part is None else np.intersect1d(training, part).tolist()
        if name == "test" and part is not None and own is not None:
            both = sorted({*both, *np.intersect1d(groups.train[own], part).tolist()})
        if both:
            named = some([groups.names[each] for each in both])
            stand = f"group {named} stands" if len(both) == 1 else f"groups {named} stand"
            faults.append(
                f"{place}the {stand} in the {name} split that {dataset.name} has of its own, and "
                f"in another split too: move the files of each into one, or leave `group` out"
            )
    if faults:
        raise DataError(*faults)
