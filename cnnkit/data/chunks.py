"""The examples of a file that holds many, some at a time: ``.npy``, ``.npz`` and tables."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np

from cnnkit.data.arrays import INPUTS, reported
from cnnkit.data.columns import usual_target
from cnnkit.data.dataset import Array
from cnnkit.data.files import readable
from cnnkit.data.preprocessing import other_shape
from cnnkit.data.table import Table, is_number, opened
from cnnkit.errors import DataError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import Csv
from cnnkit.spec.model.training.split import TABLES

ARRAYS: Final = (".npy", ".npz")

_ROWS = 64
_CHUNK_BYTES = 2**22
# An array whose first axis is the fastest is read at once, and no further than this.
_LARGEST = 2**30


class Chunk(NamedTuple):
    """Some examples of a file.

    Attributes:
        names: What each is called.
        values: ``[n, *shape]``, as the file has them.
        problems: What is wrong with others, by their names.
    """

    names: tuple[str, ...]
    values: Array
    problems: Mapping[str, str] = {}


def chunks_of(path: Path, shape: Shape, like: Csv | None = None) -> Iterator[Chunk]:
    """The examples of an array or a table, in their order.

    Args:
        path: The file.
        shape: The shape of an example.
        like: The table that a network was trained on, whose target and dropped columns are no
            values here either.

    Raises:
        DataError: The file is damaged, or holds something else.
        UsageError: There is no such file.
    """
    if path.name.lower().endswith(TABLES):
        yield from _of_table(path, shape, like)
        return
    with readable(path), reported(path):
        if path.suffix.lower() == ".npy":
            with path.open("rb") as stream:
                yield from _of_array(path, _header(stream, path), stream, shape)
        else:
            with (
                zipfile.ZipFile(path) as archive,
                archive.open(_member(path, archive, shape)) as stream,
            ):
                yield from _of_array(path, _header(stream, path), stream, shape)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]


def _header(stream: IO[bytes], path: Path) -> _Header:
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise DataError(f"{path} is an array of NumPy's format {version}: save numbers alone")
    header = _Header(*read(stream))
    if header.dtype.hasobject:
        raise DataError(
            f"{path} holds Python objects, which are never read: save arrays of numbers"
        )
    if header.dtype.kind not in "biuf":
        raise DataError(f"{path} holds values of type {header.dtype}; numbers are needed")
    return header


def _examples(found: tuple[int, ...], shape: Shape) -> int | None:
    """How many examples an array of a shape holds; 0 is one without an axis that counts them."""
    for each in (shape, shape[:-1]) if shape[-1] == 1 and len(shape) > 1 else (shape,):
        if found[1:] == each and len(found) == len(each) + 1:
            return found[0] or None
        if found == each:
            return 0
    return None


def _of_array(path: Path, header: _Header, stream: IO[bytes], shape: Shape) -> Iterator[Chunk]:
    count = _examples(header.shape, shape)
    if count is None:
        raise DataError(f"{path}: {other_shape(header.shape, shape)}")
    each = math.prod(shape) * header.dtype.itemsize
    if header.fortran_order:
        size = each * max(count, 1)
        if size > _LARGEST:
            raise DataError(
                f"{path} has its first axis as the fastest, and {size:,} bytes: save it with "
                f"np.ascontiguousarray"
            )
        turned = _read(path, stream, size, header.dtype).reshape(header.shape, order="F")
        yield Chunk(_names(path, 0, count), turned.reshape(-1, *shape))
        return
    step = max(1, min(_ROWS, _CHUNK_BYTES // each))
    for start in range(0, max(count, 1), step):
        rows = min(step, max(count, 1) - start)
        values = _read(path, stream, rows * each, header.dtype).reshape(rows, *shape)
        yield Chunk(_names(path, start, min(count, start + rows)), values)


def _names(path: Path, start: int, stop: int) -> tuple[str, ...]:
    return tuple(f"{path}[{each}]" for each in range(start, stop)) or (str(path),)


def _read(path: Path, stream: IO[bytes], size: int, dtype: np.dtype[Any]) -> Array:
    content = stream.read(size)
    if len(content) < size:
        raise DataError(f"{path} is only a part of an array: it ends too early")
    return np.frombuffer(content, dtype)


def _member(path: Path, archive: zipfile.ZipFile, shape: Shape) -> str:
    """The array of an archive that holds inputs."""
    found: dict[str, tuple[int, ...]] = {}
    for name in archive.namelist():
        with archive.open(name) as stream:
            try:
                found[name.removesuffix(".npy")] = _header(stream, path).shape
            except DataError:  # texts, such as the names of classes
                continue
    fitting = [name for name in found if _examples(found[name], shape) is not None]
    usual = [name for name in fitting if name.lower() in INPUTS]
    chosen = fitting if len(fitting) == 1 else usual
    if len(chosen) == 1:
        return next(name for name in archive.namelist() if name.removesuffix(".npy") == chosen[0])
    if fitting:
        raise DataError(
            f"{path} has several arrays of inputs, {', '.join(fitting[:8])}: save the one that is "
            f"asked about as `x`"
        )
    listed = ", ".join(f"{name} of {show(each) or 'one value'}" for name, each in found.items())
    raise DataError(
        f"{path} has no array of [N, {', '.join(map(str, shape))}]; it has {listed or 'none'}"
    )


def _of_table(path: Path, shape: Shape, like: Csv | None) -> Iterator[Chunk]:
    with opened(path) as table:
        kept = _columns(table, shape, like)
        names: list[str] = []
        values: list[list[float]] = []
        problems: dict[str, str] = {}
        for number, row in table.rows:
            name = f"{path}:{number}"
            names.append(name)
            if len(row) != table.width:
                problems[name] = f"{name} has {len(row)} columns, but the first line {table.width}"
            elif wrong := [column for column in kept if not is_number(row[column])]:
                said = f"is {row[wrong[0]][:40]!r}, which is no number"
                problems[name] = f"{name}: {table.called(wrong[0])} {said}"
            else:
                values.append([float(row[column]) for column in kept])
            if len(names) == _ROWS:
                yield _chunk(names, values, problems, shape)
                names, values, problems = [], [], {}
        if names:
            yield _chunk(names, values, problems, shape)


def _chunk(
    names: Sequence[str],
    rows: Sequence[Sequence[float]],
    problems: Mapping[str, str],
    shape: Shape,
) -> Chunk:
    """Lines as examples; whole numbers in a text have no width."""
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is reported
        values = np.array(rows, np.float32).reshape(-1, *shape)
    whole = np.isfinite(values).all() and (values == np.rint(values)).all()
    fits = whole and bool((np.abs(values) < 2**53).all())
    return Chunk(tuple(names), values.astype(np.int64) if fits else values, problems)


def _columns(table: Table, shape: Shape, like: Csv | None) -> list[int]:
    """The columns of values: all, or those beside the target and what is dropped."""
    count, width = math.prod(shape), table.width
    if width == count:
        return list(range(width))
    beside = _known(table, like)
    if len(beside) + count == width:
        return [column for column in range(width) if column not in beside]
    raise DataError(
        f"{table.path} has {width - len(beside):,} columns of values, and the network's input is "
        f"{show(shape)}, {count:,} values"
    )


def _known(table: Table, like: Csv | None) -> set[int]:
    """The columns of a table that are none of values, as in the table that was learnt from."""
    target = None if like is None else like.target
    drop = () if like is None else like.drop
    wanted = [*drop, *(target if isinstance(target, tuple) else [target])]
    found = set()
    for column in wanted:
        if isinstance(column, int) and column < table.width:
            found.add(column)
        elif column is None:
            found.update(_usual(table))
        elif table.names and column in table.names:
            found.add(table.names.index(column))
    return found


def _usual(table: Table) -> set[int]:
    """The place of a target that no one named."""
    if not table.names:
        return {0}
    try:
        return {usual_target(table.path, table.names)}
    except DataError:  # there is none
        return set()
