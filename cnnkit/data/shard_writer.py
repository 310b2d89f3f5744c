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
from typing import Any, Final, Literal

import numpy as np

from cnnkit.data.dataset import Dataset, Examples
from cnnkit.data.demand import NetworkDemand, prepared
from cnnkit.data.example_table import ExampleTable
from cnnkit.data.files import readable
from cnnkit.data.images import ImageArray
from cnnkit.data.index import (
    EXAMPLES,
    FORMAT,
    INDEX,
    Index,
    IndexedFile,
    Shard,
    SplitFigures,
    parsed,
)
from cnnkit.data.loading import FileReading, read
from cnnkit.data.reading import Progress, unseen
from cnnkit.data.records import require_array_record
from cnnkit.data.several import names_several
from cnnkit.data.sources import digest
from cnnkit.data.statistics import statistics
from cnnkit.data.summary import class_counts
from cnnkit.data.targets import as_values
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.training import Images, Loss, Unpacked
from cnnkit.spec.model.training.location import PATHS

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
        shards: How many files of records; by default as many as have ``SHARD_BYTES`` each.
        data_dir: The folder of the published sets.
        loss: ``train.loss`` of the spec, where one is packed for: what whole numbers are to it.
        progress: Is told how much is done, and how much there is to do.

    Raises:
        DataError: The source is damaged, or the folder cannot be written to.
        UsageError: The folder is not empty, or the source is of a kind that is not packed.
        MissingExtraError: The package array_record is not installed.
    """
    require_array_record()
    _require_packable(source, folder)
    dataset = read(source, FileReading(data_dir, budget=0))
    checked = prepared(_meant(dataset, loss), source, NetworkDemand(loss=loss), None)
    parts = _parts(dataset)
    total = sum(map(len, parts.values()))
    count = _shard_count(parts, shards)
    try:
        figures = _figures(checked, lambda done: progress(done, 2 * total))
    except DataError:  # which names the first file alone
        _require_decodable(parts)
        raise
    with _written_whole(folder) as pending:
        files = _write_shards(pending, parts, count, lambda done: progress(total + done, 2 * total))
        table = ExampleTable.of_parts(list(parts.values()), dataset.validation)
        table.write(pending / EXAMPLES)
        index = Index(
            format=FORMAT,
            name=dataset.name,
            source=_said(source),
            records="images" if isinstance(dataset.train.inputs, ImageArray) else "values",
            shape=dataset.shape,
            extents=table.range_of_extents,
            dtype=str(dataset.train.inputs.dtype),  # type: ignore[arg-type] # one of three
            dtype_in_files=dataset.dtype,
            classes=dataset.classes,
            target=dataset.target,
            notes=dataset.notes,
            splits=figures,
            examples=_indexed(pending / EXAMPLES),
            shards=files,
        )
        content = index.text().encode("utf-8", "surrogateescape")
        parsed(content, str(folder / INDEX))  # what is written can be read
        (pending / INDEX).write_bytes(content)
    return index


def _require_packable(source: Unpacked, folder: Path) -> None:
    """Raises where a source is not packed, or not there.

    Raises:
        UsageError: It is of another kind, or the folder has something in it.
    """
    if names_several(source):
        raise UsageError("data of several inputs or outputs are not packed yet: train from them")
    if isinstance(source, Images) and (source.masks or source.targets):
        raise UsageError(
            "images with masks or with target images are not packed yet: train from them"
        )
    if isinstance(source, Images) and folder.resolve().is_relative_to(
        Path(str(source.images)).resolve()
    ):
        raise UsageError(
            f"{folder} lies in {source.images}, where it would be taken for a class: name a folder "
            f"elsewhere"
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            what = "is not empty" if folder.is_dir() else "is a file"
            raise UsageError(f"{folder} {what}: name a folder that is not there yet")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None


def _meant(dataset: Dataset, loss: Loss | None) -> Dataset:
    """The data set with whole numbers as what a loss compares them as."""
    of_values = loss is not None and not loss.of_classes and loss.compares == 1
    return as_values(dataset) if of_values and dataset.train.targets.ndim == 1 else dataset


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
    folder: Path, parts: Parts, count: int, progress: Callable[[int], None]
) -> tuple[Shard, ...]:
    """The records of all examples, in their order, in files of as many each."""
    total = sum(map(len, parts.values()))
    records = (record for part in parts.values() for record in _records(part))
    done, shards = 0, []
    for number in range(count):
        path = folder / f"data-{number:05}-of-{count:05}.array_record"
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


def _said(source: Unpacked) -> str | dict[str, Any]:
    """The source as `data:` has it, its files by their names alone."""
    if isinstance(source, str):
        return source
    said = source.model_dump(mode="json", exclude_defaults=True)
    return {
        name: Path(value).name if name in PATHS[type(source)] else value
        for name, value in said.items()
    }


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
