"""Tables of the files of images: an image a line, with its class, its labels or its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Final

import numpy as np

from cnnkit.data.columns import FILE_COLUMNS, Texts, place_of, require_targets, some, target_of
from cnnkit.data.conversion import named_targets
from cnnkit.data.csv import typed
from cnnkit.data.dataset import Array, Dataset
from cnnkit.data.decoding import Decoding
from cnnkit.data.folders import Listing, Listings
from cnnkit.data.images import extents_of, of_listings
from cnnkit.data.layout import SUFFIXES, SplitName, part_of
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.table import Table, opened
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.training import Csv

_SPLITS: Final = ("split", "set", "subset", "partition")
_BETWEEN_LABELS: Final = "|;"


@dataclass(frozen=True)
class ColumnIndices:
    """The places of the columns that are read."""

    file: int
    targets: tuple[int, ...]
    split: int | None


@dataclass(frozen=True)
class Lines:
    """What a table says of images.

    Attributes:
        places: The file and the line of each, as messages begin.
        paths: The files.
        targets: The cells of the targets, ``[N, K]``.
        parts: The split of each.
        called: What messages call the columns of the targets.
        story: What was read, for people.
    """

    places: tuple[str, ...]
    paths: tuple[Path, ...]
    targets: Texts
    parts: tuple[SplitName, ...]
    called: tuple[str, ...]
    story: str


def names_files(source: Csv) -> bool:
    """Whether a table has the files of images, and not their values.

    Raises:
        DataError: It cannot be read.
        UsageError: There is no such file.
    """
    if source.file is not None:
        return True
    with opened(Path(source.csv), _named(source)) as table:
        found = _file_column(table) is not None
    if not found and (source.folder or source.separator):
        field = "folder" if source.folder else "separator"
        raise DataError(
            f"{source.csv} has no column of the files of images, which `{field}` is about: say "
            f"which it is, `file: NAME`"
        )
    return found


def read(
    source: Csv,
    *,
    shape: tuple[int, ...] | None = None,
    decoding: Decoding | None = None,
    budget: int,
    progress: Progress = unseen,
) -> Dataset:
    """The data set in a table of files, in the values that its files have.

    Targets that are whole numbers or texts are classes, fractions are values to predict. Several
    columns of 0 and 1, or several labels in a cell, are labels, named after the columns or in
    their sorted order.

    Args:
        source: The table, and which of its columns mean what.
        shape: ``(H, W, C)``, as of ``images.read``.
        decoding: How images come to it.
        budget: The bytes up to which all images are decoded at once.
        progress: Is told how many images are decoded, and how many there are.

    Raises:
        DataError: All lines whose file is missing, or whose target is.
        UsageError: There is no such table.
    """
    path = Path(source.csv)
    extents = extents_of(shape, path)
    folder = _folder(path, source)
    lines = [_lines(path, source, "train")]
    if source.test is not None:
        lines.append(_lines(Path(source.test), source, "test"))
    if len({each.called for each in lines}) > 1:
        raise DataError(f"{source.test} has other columns than {path}")
    # All at once, so that a text or a fraction means the same in both files.
    cells = np.concatenate([each.targets for each in lines])
    targets, classes = _targets(cells, lines[0].called, source.separator, path)
    whole = Listing(
        tuple(each for one in lines for each in one.paths),
        targets,
        tuple(each for one in lines for each in one.places),
    )
    of = [part for one in lines for part in one.parts]
    names: tuple[SplitName, ...] = ("train", "validation", "test")
    parts = {name: whole.chosen([part == name for part in of]) for name in names if name in of}
    if "train" not in parts:
        raise DataError(f"{path} has no line of the training split")
    dataset = of_listings(
        Listings(parts, classes, folder),
        path.name,
        folder,
        extents,
        decoding=decoding or Decoding(),
        skip=source.damaged == "skip",
        budget=budget,
        progress=progress,
    )
    notes = _unsplit(cells, source.separator, lines[0].called, path)
    return replace(dataset, target=lines[0].story, notes=(*notes, *dataset.notes))


def _folder(path: Path, source: Csv) -> Path:
    """Where the files of a table lie: beside it, where nothing else is said."""
    folder = path.parent if source.folder is None else Path(source.folder)
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}, where the files of {path} are to lie")
    return folder


def _lines(path: Path, source: Csv, part: SplitName) -> Lines:
    folder = _folder(path, source)
    root = folder.resolve()
    with opened(path, _named(source)) as table:
        columns = _columns(table, source)
        places, files, targets, parts, numbers, faults = [], [], [], [], [], []
        seen: dict[Path, int] = {}
        for number, row in table.rows:
            where = f"{path}:{number}"
            if len(row) != table.width:
                faults.append(f"{where} has {len(row)} columns, but the first line {table.width}")
                continue
            file, fault = _found(row[columns.file].strip(), folder, root)
            if file in seen:
                fault = f"{row[columns.file].strip()} is in line {seen[file]} too{_several(source)}"
            split = part if columns.split is None else part_of(row[columns.split].strip())
            if fault:
                faults.append(f"{where}: {table.called(columns.file)}, {fault}")
            elif split is None:
                faults.append(
                    f"{where}: {table.called(columns.split or 0)} is "
                    f"{row[columns.split or 0][:40]!r}, which is neither train, validation nor test"
                )
            else:
                seen[file] = number
                numbers.append(number)
                places.append(f"{where}: {table.called(columns.file)}")
                files.append(file)
                targets.append([row[column].strip() for column in columns.targets])
                parts.append(split)
        if faults:
            raise DataError(*faults)
        cells = np.array(targets)
        if source.separator is None:  # else an image may well have no label
            require_targets(table, numbers, columns.targets, cells)
        called = tuple(table.written(column) for column in columns.targets)
        story = _story(table, columns)
    return Lines(tuple(places), tuple(files), cells, tuple(parts), called, story)


def _columns(table: Table, source: Csv) -> ColumnIndices:
    """Which columns mean what."""
    file = _file_column(table) if source.file is None else place_of(table, source.file)
    if file is None:  # of a test table beside one that has it
        raise DataError(f"{table.path} has no column of the files of images: say which it is")
    if source.target is None and table.names is None:
        others = [column for column in range(table.width) if column != file]
        if len(others) != 1:
            raise DataError(
                f"{table.path} has no header, and {table.width} columns: say which is the target, "
                f"`target: NUMBER`; {table.called(file)} names the files"
            )
        return ColumnIndices(file, tuple(others), None)
    targets = target_of(table, source.target)
    if file in targets:
        raise DataError(f"{table.path}: {table.called(file)} names the files and is the target too")
    return ColumnIndices(file, targets, _split_column(table, {file, *targets}))


def _file_column(table: Table) -> int | None:
    """The column of files: by its name, and by what its first cell is; None where there is none."""
    images = [Path(cell).suffix.lower() in SUFFIXES for cell in _first(table)]
    if table.names is None:
        return images.index(True) if sum(images) == 1 else None
    found = [
        place
        for place, name in enumerate(table.names)
        if name.lower().replace(" ", "_") in FILE_COLUMNS and images[place]
    ]
    if len(found) > 1:
        several = " and ".join(f"`{table.names[place]}`" for place in found)
        raise DataError(f"{table.path} has {several}: say which names the files, `file: NAME`")
    return found[0] if found else None


def _first(table: Table) -> list[str]:
    """The first line of values, a cell for each column."""
    cells = [cell.strip() for cell in table.first[: table.width]]
    return cells + [""] * (table.width - len(cells))


def _split_column(table: Table, taken: set[int]) -> int | None:
    """The column that says which split a line belongs to."""
    for place, name in enumerate(table.names or []):
        if name.lower() in _SPLITS and place not in taken and part_of(_first(table)[place]):
            return place
    return None


def _found(name: str, folder: Path, root: Path) -> tuple[Path, str | None]:
    """A file that is named, or what is wrong with the name; links must not lead out of the root."""
    path = folder / name
    if not name:
        return path, "the file, is empty"
    for each in (path, folder / PureWindowsPath(name).as_posix()):
        try:
            if not each.is_file():
                continue
            if not each.resolve().is_relative_to(root):
                return each, f"{name} leads out of {folder}: name the folder of all files, `folder`"
        except (OSError, ValueError):
            continue
        return each, None
    return path, f"{name}: there is no file {path}"


def _targets(
    cells: Texts, called: Sequence[str], separator: str | None, path: Path
) -> tuple[Array, tuple[str, ...]]:
    """The targets as arrays, and the names of classes or labels."""
    if separator is not None:
        if len(called) > 1:
            raise DataError(
                f"{path}: `separator` parts the labels of one column, and `target` names "
                f"{len(called)}"
            )
        return _marked([_parted(str(cell), separator) for cell in cells[:, 0]])
    targets, classes = named_targets(typed(cells), str(path))
    marks = targets.ndim == 2 and len(called) > 1 and bool(np.isin(targets, (0, 1)).all())
    return targets, tuple(called) if marks else classes


def _parted(cell: str, separator: str) -> list[str]:
    return [label.strip() for label in cell.split(separator) if label.strip()]


def _marked(of_each: Sequence[Sequence[str]]) -> tuple[Array, tuple[str, ...]]:
    """Which labels each image has, as 0 and 1."""
    names = sorted({label for labels in of_each for label in labels})
    places = {label: place for place, label in enumerate(names)}
    marks = np.zeros((len(of_each), len(names)), np.float32)
    for row, labels in enumerate(of_each):
        marks[row, [places[label] for label in labels]] = 1
    return marks, tuple(names)


def _unsplit(
    cells: Texts, separator: str | None, called: Sequence[str], path: Path
) -> Iterator[str]:
    """Says of classes that look like several labels in one cell."""
    if separator is not None or cells.shape[1] > 1:
        return
    for mark in _BETWEEN_LABELS:
        found = [str(cell) for cell in cells[:, 0] if mark in str(cell)]
        if found:
            yield (
                f"{path}: `{called[0]}` such as {found[0][:40]!r} is taken for one class: where it "
                f'is several labels, say `separator: "{mark}"`'
            )


def _several(source: Csv) -> str:
    if source.separator is not None:
        return ""
    return ': several labels of an image stand in one cell, with `separator: "|"`'


def _story(table: Table, columns: ColumnIndices) -> str:
    """What was read, for people."""
    targets = ", ".join(table.called(column) for column in columns.targets)
    story = f"{targets} of the images in {table.called(columns.file)}"
    if columns.split is not None:
        story += f", split by {table.called(columns.split)}"
    used = {columns.file, *columns.targets, columns.split}
    beside = [table.written(column) for column in range(table.width) if column not in used]
    return story + (f"; not read: {some(beside)}" if beside else "")


def _named(source: Csv) -> list[str]:
    """The columns that are called by their names."""
    targets = source.target if isinstance(source.target, tuple) else (source.target,)
    return [each for each in (source.file, *targets) if isinstance(each, str)]
