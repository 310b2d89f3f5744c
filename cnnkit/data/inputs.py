"""Inputs without targets, from files of any number, prepared as a network was trained on them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.data import nifti
from cnnkit.data.chunks import ARRAYS, Chunk, chunks_of
from cnnkit.data.dataset import Array
from cnnkit.data.decoding import MODES, MOST_PIXELS, decoded
from cnnkit.data.layout import SUFFIXES
from cnnkit.data.listing import Refused, files_of
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.data.scaling import scaled
from cnnkit.errors import DataError, UsageError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.training import Csv
from cnnkit.spec.model.training.split import TABLES

# Images that a thread decodes at once: handing over each by itself takes as long as a small one.
_TOGETHER = 8
# What may lie ready, in bytes; beyond it no thread reads ahead.
_READY = 2**27
_NOT_FINITE = "NaN or infinite values; clean the data, as with np.nan_to_num"


class Input(NamedTuple):
    """One input.

    Attributes:
        name: The file, or an example in it.
        values: float32 ``[*shape]``, scaled as training scaled them, and not yet standardized.
    """

    name: str
    values: NDArray[np.float32]


Part = list[Input | Refused]


def suffixes_of(shape: Shape) -> frozenset[str]:
    """How the files of a folder end that are inputs of a shape: images or volumes, or arrays."""
    volumes = frozenset(nifti.SUFFIXES if len(shape) in (3, 4) else ())
    return volumes | (SUFFIXES if _is_image(shape) else {".npy", ".npz"})


def inputs_of(
    files: Iterable[str | Path | Refused], record: Preprocessing, table: Csv | None = None
) -> Iterator[Input | Refused]:
    """The inputs in files, in their order, decoded by threads a little ahead of who asks.

    Args:
        files: Images, arrays ``.npy`` and ``.npz`` and tables ``.csv`` and ``.tsv``, whose
            examples are called ``FILE[0]`` and ``FILE:LINE``; and what is refused already.
        record: What is done to inputs.
        table: The table that the network was trained on, whose target is no value here either.
    """
    each = 4 * int(np.prod(record.shape))
    threads = os.cpu_count() or 1
    ahead = max(threads, min(8 * threads, _READY // (_TOGETHER * each)))
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        for part in _in_order(pool, _parts(files, record, table), ahead):
            yield from part


def read_inputs(
    names: Iterable[str], record: Preprocessing, table: Csv | None = None
) -> NDArray[np.float32]:
    """All inputs in files, folders and patterns, float32 ``[N, *shape]``, scaled as in training.

    Raises:
        DataError: All that cannot be read.
    """
    found = list(inputs_of(files_of(names, suffixes_of(record.shape)), record, table))
    problems = [each.problem for each in found if isinstance(each, Refused)]
    if problems:
        raise DataError(*problems)
    return np.stack([each.values for each in found if isinstance(each, Input)])


def _in_order(
    pool: ThreadPoolExecutor, work: Iterable[Callable[[], Part]], ahead: int
) -> Iterator[Part]:
    """What pieces of work give, in their order, some of them done ahead."""
    pending: deque[Future[Part]] = deque()
    try:
        for each in work:
            pending.append(pool.submit(each))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for left in pending:
            left.cancel()


def _parts(
    files: Iterable[str | Path | Refused], record: Preprocessing, table: Csv | None
) -> Iterator[Callable[[], Part]]:
    """Pieces of work: some images to decode, or examples that were read."""
    images: list[Path | Refused] = []
    for file in files:
        if isinstance(file, Refused) or not _holds_many(file):
            images.append(Path(file) if isinstance(file, str) else file)
            if len(images) == _TOGETHER:
                yield partial(_decoded, tuple(images), record)
                images.clear()
            continue
        if images:
            yield partial(_decoded, tuple(images), record)
            images.clear()
        yield from _of_many(Path(file), record, table)
    if images:
        yield partial(_decoded, tuple(images), record)


def _holds_many(file: str | Path) -> bool:
    return os.fspath(file).lower().endswith((*ARRAYS, *TABLES))


def _decoded(files: Sequence[Path | Refused], record: Preprocessing) -> Part:
    return [each if isinstance(each, Refused) else image_of(each, record) for each in files]


def image_of(
    file: Path,
    record: Preprocessing,
    content: bytes | None = None,
    pixels: int = MOST_PIXELS,
) -> Input | Refused:
    """The values of one image.

    Args:
        file: The file.
        record: What is done to inputs.
        content: What is in it, where it is no file: then the path is a name.
        pixels: As many are decoded, and no more.
    """
    name = str(file)
    try:
        values = _values(file, record, content, pixels)
    except DataError as error:
        absent = content is None and not file.is_file()
        return Refused(name, f"there is no file {file}" if absent else str(error))
    if fault := record.fault(values[None], str(values.dtype)):
        return Refused(name, f"{file} has {fault}")
    return Input(name, floats_of(values, record))


def _values(file: Path, record: Preprocessing, content: bytes | None, pixels: int) -> Array:
    shape = record.shape
    if not _is_image(shape):
        raise DataError(
            f"{file} is no .npy, .npz or .csv file, and the network's input is {show(shape)}, "
            f"which no image has"
        )
    return decoded(file, (shape[0], shape[1], shape[2]), record.decoding, content, pixels)


def floats_of(values: Array, record: Preprocessing) -> Array:
    """Values of files, scaled, as floats throughout: a batch may have several types."""
    found = scaled(values, record.value_range)
    return np.divide(found, np.float32(255)) if found.dtype == np.uint8 else found


def _of_many(file: Path, record: Preprocessing, table: Csv | None) -> Iterator[Callable[[], Part]]:
    """The examples of an array or a table; one of another scale is refused as a whole."""
    first = True
    try:
        for chunk in chunks_of(file, record.shape, table):
            if first and len(chunk.values) and (fault := _fault(chunk.values, record)):
                raise DataError(f"{file} has {fault}")  # noqa: TRY301 - one way out
            first = first and not len(chunk.values)
            yield partial(_prepared, chunk, record)
    except (DataError, UsageError) as error:
        refused: Part = [Refused(str(file), str(error))]
        yield lambda: refused


def _fault(values: Array, record: Preprocessing) -> str | None:
    """Why values are not such as training had; those that are not finite are told one by one."""
    finite = values[_finite(values)]
    return record.fault(finite, str(values.dtype))


def _finite(values: Array) -> Array:
    return np.asarray(np.isfinite(values).all(tuple(range(1, values.ndim))))


def _prepared(chunk: Chunk, record: Preprocessing) -> Part:
    values = iter(zip(floats_of(chunk.values, record), _finite(chunk.values), strict=True))
    part: Part = []
    for name in chunk.names:
        if name in chunk.problems:
            part.append(Refused(name, chunk.problems[name]))
            continue
        example, finite = next(values)
        part.append(
            Input(name, example) if finite else Refused(name, f"{name} holds {_NOT_FINITE}")
        )
    return part


def _is_image(shape: Shape) -> bool:
    return len(shape) == 3 and shape[-1] in MODES
