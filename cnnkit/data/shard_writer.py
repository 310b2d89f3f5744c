"""Writes a data set as shards of records, with an index: all of it, or nothing.

An example is a record: the file of an image as it is, or the values of an input. So what is read
of it later is what is read of the source. The same source gives the same bytes.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import numpy as np

from cnnkit.data.dataset import Dataset, Examples
from cnnkit.data.example_table import ExampleTable
from cnnkit.data.files import readable
from cnnkit.data.images import ImageArray
from cnnkit.data.index import (
    EXAMPLES,
    FORMAT,
    INDEX,
    Index,
    IndexedColumn,
    IndexedFile,
    Shard,
    SplitFigures,
    parsed,
)
from cnnkit.data.packable import OF_FILES, packable, said
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.records import require_array_record
from cnnkit.data.sources import digest
from cnnkit.data.statistics import statistics
from cnnkit.data.summary import class_counts
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.training import Images, Loss, Unpacked

SHARD_BYTES: Final = 2**28
"""The bytes of a shard, where their number is not said."""
# A record is read at random, and alone; and images are compressed already.
_OPTIONS: Final = "group_size:1,uncompressed"

PartName = Literal["train", "test"]
Parts = Mapping[PartName, Examples]


def pack(
    source: Unpacked,
    folder: Path,
    *,
    shards: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    loss: Loss | None = None,
    progress: Progress = unseen,
) -> Index:
    """Writes a data set into a folder that is not there yet, or is empty.

    All of it is read and checked before anything is written. Of images in files no more are in
    memory than are looked at together.

    Args:
        source: The data set.
        folder: Where to.
        shards: How many files of records each column has; by default as many as have
            ``SHARD_BYTES`` each.
        data_dir: The folder of the published sets.
        loss: ``train.loss`` of the spec, where one is packed for: what whole numbers are to it.
        progress: Is told how much is done, and how much there is to do.

    Raises:
        DataError: The source is damaged, or the folder cannot be written to.
        UsageError: The folder is not empty, or the source is of a kind that is not packed.
        MissingExtraError: The package array_record is not installed.
    """
    require_array_record()
    _require_folder(source, folder)
    found = packable(source, data_dir, loss)
    columns = {name: _parts(each) for name, each in found.columns.items()}
    written = {name: parts for name, parts in columns.items() if not name.startswith("outputs/")}
    counts = {name: _shard_count(parts, shards) for name, parts in written.items()}
    examples = sum(map(len, columns[""].values()))
    total = (1 + len(written)) * examples
    try:
        figures = _figures(found.checked, lambda done: progress(done, total))
    except DataError:  # which names the first file alone
        _require_decodable(columns[""])
        raise
    with _written_whole(folder) as pending:
        told: dict[str, IndexedColumn] = {}
        for number, (name, dataset) in enumerate(found.columns.items()):
            prefix = f"{number}-" if number else ""
            files: tuple[Shard, ...] = ()
            if name in written:
                before = examples * (1 + len(told))
                files = _write_shards(
                    pending,
                    prefix,
                    columns[name],
                    counts[name],
                    lambda done, before=before: progress(before + done, total),  # type: ignore[misc]
                )
            table = ExampleTable.of_parts(list(columns[name].values()), dataset.validation)
            if not number:
                extents = table.range_of_extents
            table.write(pending / f"{prefix}{EXAMPLES}")
            told[name] = _column(name, dataset, _indexed(pending / f"{prefix}{EXAMPLES}"), files)
        first = told.pop("")
        index = Index(
            **dict(first),
            format=FORMAT if told else 1,
            source=said(source),
            extents=extents,
            splits=figures,
            columns=told,
        )
        content = index.text().encode("utf-8", "surrogateescape")
        parsed(content, str(folder / INDEX))  # what is written can be read
        (pending / INDEX).write_bytes(content)
    return index


def _column(
    name: str, dataset: Dataset, examples: IndexedFile, shards: tuple[Shard, ...]
) -> IndexedColumn:
    """What the index says of a column."""
    inputs = dataset.train.inputs
    records: Literal["images", "files", "values", "targets"] = "values"
    if not shards:
        records = "targets"
    elif name.partition("/")[0] in OF_FILES:
        records = "files"
    elif isinstance(inputs, ImageArray):
        records = "images"
    return IndexedColumn(
        name=dataset.name,
        records=records,
        shape=dataset.shape if records in ("images", "values") else (),
        dtype=str(inputs.dtype),  # type: ignore[arg-type] # one of three
        dtype_in_files=dataset.dtype,
        classes=dataset.classes,
        target=dataset.target,
        notes=dataset.notes,
        examples=examples,
        shards=shards,
    )


def _require_folder(source: Unpacked, folder: Path) -> None:
    """Raises where a set is not to be written.

    Raises:
        UsageError: The folder has something in it, or lies in one that is packed.
    """
    for inside in _folders(source):
        if folder.resolve().is_relative_to(Path(inside).resolve()):
            raise UsageError(
                f"{folder} lies in {inside}, where it would be taken for a class: name a folder "
                f"elsewhere"
            )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            what = "is not empty" if folder.is_dir() else "is a file"
            raise UsageError(f"{folder} {what}: name a folder that is not there yet")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None


def _folders(source: Unpacked) -> Iterator[str]:
    """The folders that images are read from."""
    if isinstance(source, Images):
        for given in (source.images, source.test, source.masks, source.targets):
            yield from given.values() if isinstance(given, Mapping) else [given] if given else []


def _parts(dataset: Dataset) -> Parts:
    parts: dict[PartName, Examples] = {"train": dataset.train}
    if dataset.test is not None:
        parts["test"] = dataset.test
    return parts


def _shard_count(parts: Parts, wanted: int | None) -> int:
    """How many shards there are to be.

    Raises:
        UsageError: There are fewer examples.
    """
    total = sum(map(len, parts.values()))
    if wanted is None:
        return min(total, math.ceil(sum(map(_bytes, parts.values())) / SHARD_BYTES))
    if wanted > total:
        raise UsageError(f"{total:,} examples do not fill {wanted:,} shards: give fewer, --shards")
    return wanted


def _bytes(examples: Examples) -> int:
    """The bytes of the records of some examples."""
    if not isinstance(examples.inputs, ImageArray):
        return examples.inputs.nbytes
    paths = examples.inputs.paths
    with readable(paths[0].parent):
        return sum(path.stat().st_size for path in paths)


def _figures(dataset: Dataset, progress: Callable[[int], None]) -> dict[PartName, SplitFigures]:
    """The figures of each split, for which all inputs are read."""
    parts = _parts(dataset)
    counts = class_counts(dataset, {name: part.targets for name, part in parts.items()})
    found: dict[PartName, SplitFigures] = {}
    before = 0
    for name, part in parts.items():
        measured = statistics(
            part,
            np.arange(len(part)),
            progress=lambda done, _, before=before: progress(before + done),  # type: ignore[misc]
        )
        found[name] = SplitFigures(
            examples=len(part),
            classes={each: of.get(name, 0) for each, of in counts.items()},
            mean=tuple(map(float, measured.mean)),
            deviation=tuple(map(float, measured.deviation)),
            minimum=measured.minimum,
            maximum=measured.maximum,
        )
        before += len(part)
    return found


def _require_decodable(parts: Parts) -> None:
    """Raises where images cannot be decoded.

    Raises:
        DataError: All of these.
    """
    faults: list[str] = []
    for part in parts.values():
        if isinstance(part.inputs, ImageArray):
            faults += part.inputs.faults()
    if faults:
        raise DataError(*faults)


def _write_shards(
    folder: Path, prefix: str, parts: Parts, count: int, progress: Callable[[int], None]
) -> tuple[Shard, ...]:
    """The records of all examples, in their order, in files of as many each."""
    total = sum(map(len, parts.values()))
    records = (record for part in parts.values() for record in _records(part))
    done, shards = 0, []
    for number in range(count):
        path = folder / f"{prefix}data-{number:05}-of-{count:05}.array_record"
        end = (number + 1) * total // count
        with _writer(path) as write:
            for place in range(done, end):
                write(next(records))
                progress(place + 1)
        shards.append(Shard(records=end - done, **_indexed(path).model_dump()))
        done = end
    return tuple(shards)


def _records(examples: Examples) -> Iterator[bytes]:
    """What is kept of each example."""
    inputs, sources = examples.inputs, examples.sources
    if not isinstance(inputs, ImageArray):
        for number in range(len(inputs)):
            values = np.asarray(inputs[number])
            yield values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        return
    for number, path in enumerate(inputs.paths):
        with readable(path):
            content = path.read_bytes()
        if sources is not None and sha256(content).hexdigest() != sources.digests[number]:
            raise DataError(f"{path} was changed while it was packed: pack it once more")
        yield content


@contextmanager
def _writer(path: Path) -> Iterator[Callable[[bytes], None]]:
    """What writes records to a file."""
    from array_record.python.array_record_module import ArrayRecordWriter

    try:
        writer = ArrayRecordWriter(str(path), _OPTIONS)
        try:
            yield writer.write
        finally:
            writer.close()
    except RuntimeError as error:  # what its files say comes as no other
        raise OSError(None, str(error).splitlines()[0], str(path)) from error


def _indexed(path: Path) -> IndexedFile:
    return IndexedFile(file=path.name, bytes=path.stat().st_size, sha256=digest(path))


@contextmanager
def _written_whole(folder: Path) -> Iterator[Path]:
    """A folder beside one, which it becomes when all is in it."""
    whole = folder.absolute()
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
        pending = Path(tempfile.mkdtemp(prefix=f".{whole.name}-", dir=whole.parent))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        yield pending
        pending.chmod(0o755)
        pending.rename(whole)  # in the place of an empty one
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written: {error.strerror or error}; nothing of it is kept"
        ) from error
    finally:
        shutil.rmtree(pending, ignore_errors=True)
