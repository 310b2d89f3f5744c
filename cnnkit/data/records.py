"""The records of shards, read at random by ArrayRecord."""

from __future__ import annotations

import itertools
import math
import sys
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from cnnkit.data.dataset import Array, Sources
from cnnkit.data.reading import Progress, unseen
from cnnkit.errors import DataError, MissingExtraError
from cnnkit.layers.shape import Shape, show

_CHUNK: Final = 1024


def require_array_record() -> None:
    """Raises where the package is missing.

    Raises:
        MissingExtraError: It is.
    """
    try:
        import array_record.python.array_record_module  # noqa: F401 - is it there?
    except ImportError as error:
        where = "; it has no package for Windows" if sys.platform == "win32" else ""
        raise MissingExtraError(
            f"packed data sets are written and read by array_record: pip install "
            f"'cnnkit[train]'{where}"
        ) from error


class _WholeShard(NamedTuple):
    """What ArrayRecord's data source is told of a file, so that it need not open it at once."""

    filename: str
    skip: int
    take: int
    examples_in_shard: int


class Records:
    """Records of several files by their numbers, from 0 on.

    Args:
        paths: The files.
        counts: How many records each has.

    Raises:
        MissingExtraError: The package array_record is not installed.
    """

    def __init__(self, paths: Sequence[Path], counts: Sequence[int]) -> None:
        require_array_record()
        from array_record.python.array_record_data_source import ArrayRecordDataSource

        self._paths = tuple(paths)
        self._source = ArrayRecordDataSource(
            [
                _WholeShard(str(path), 0, count, count)
                for path, count in zip(paths, counts, strict=True)
            ]
        )
        self._numbers = range(sum(counts))
        self._starts = [0, *itertools.accumulate(counts)][:-1]

    def some(self, part: slice) -> Records:
        """Those of some numbers, counted from 0 again."""
        found = object.__new__(Records)
        found._paths, found._source, found._starts = self._paths, self._source, self._starts
        found._numbers = self._numbers[part]
        return found

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> bytes:
        """A record.

        Raises:
            DataError: It cannot be read.
        """
        place = self._numbers[number]
        try:
            record: bytes = self._source[place]
        except (RuntimeError, ValueError, OSError, IndexError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{self._called(place)} cannot be read: {said}") from None
        return record

    def _called(self, place: int) -> str:
        """What messages call a record: its shard, and which of its records it is."""
        shard = bisect_right(self._starts, place) - 1
        return f"{self._paths[shard]}: record {place - self._starts[shard]}"


class FileColumn(NamedTuple):
    """Files that records stand for.

    Attributes:
        folder: Where messages say that they are.
        sources: Their names in it, and the SHA-256 of each.
        records: What is in them, in their order.
    """

    folder: Path
    sources: Sources
    records: Records

    @property
    def paths(self) -> list[Path]:
        """What messages call them."""
        return [self.folder / path for path in self.sources.paths]


class RecordedFiles:
    """The contents of files that records stand for, by what messages call the files."""

    def __init__(self, *columns: FileColumn) -> None:
        self._columns = columns
        self._places = {
            path: (column, number)
            for column, files in enumerate(columns)
            for number, path in enumerate(files.paths)
        }

    def of(self, path: Path) -> bytes:
        """What is in a file.

        Raises:
            DataError: Its record cannot be read.
        """
        column, number = self._places[path]
        return self._columns[column].records[number]

    def sources(self, paths: Sequence[Path], _folder: Path) -> Sources:
        """The names of files as they were when they were packed, with their SHA-256."""
        found = [self._places[path] for path in paths]
        known = [self._columns[column].sources for column, _ in found]
        return Sources(
            tuple(each.paths[number] for each, (_, number) in zip(known, found, strict=True)),
            tuple(each.digests[number] for each, (_, number) in zip(known, found, strict=True)),
        )


class RecordArray:
    """Inputs in records, read when they are indexed: with n indices ``[n, *shape]``.

    Args:
        records: The values of each input, in C order, little-endian.
        shape: The shape of each.
        dtype: The type of their values.

    Attributes:
        shape: ``(N, *shape)``.
        dtype: The type of the values.
    """

    def __init__(self, records: Records, shape: Shape, dtype: str) -> None:
        self._records = records
        self.shape = (len(records), *shape)
        self.dtype = np.dtype(dtype)

    @property
    def nbytes(self) -> int:
        """The bytes of all inputs."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Array:
        chosen = np.arange(len(self))[index]
        if chosen.ndim == 0:
            return self._values(int(chosen))
        found = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        for place, number in enumerate(chosen.tolist()):
            found[place] = self._values(number)
        return found

    def reshape(self, *shape: int) -> RecordArray:
        """The same inputs in another shape ``(N, *shape)`` of as many elements."""
        return RecordArray(self._records, shape[1:], str(self.dtype))

    def read(self, progress: Progress = unseen) -> Array:
        """All of them.

        Args:
            progress: Is told how many are read, and how many there are.

        Raises:
            DataError: A record is damaged.
        """
        found = np.empty(self.shape, self.dtype)
        for start in range(0, len(self), _CHUNK):
            found[start : start + _CHUNK] = self[start : start + _CHUNK]
            progress(min(start + _CHUNK, len(self)), len(self))
        return found

    def _values(self, number: int) -> Array:
        record = self._records[number]
        shape = self.shape[1:]
        if len(record) != math.prod(shape) * self.dtype.itemsize:
            raise DataError(
                f"record {number} has {len(record):,} bytes, which is no {show(shape)} of "
                f"{self.dtype}"
            )
        return np.frombuffer(record, self.dtype.newbyteorder("<")).reshape(shape)
