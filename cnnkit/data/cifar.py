"""CIFAR-10's batches: the binary version, and the version for Python.

Binary: 3,073 bytes an image, its label and then 32x32 reds, greens and blues, row by row.
Python: a pickle of ``{"data": uint8 [10000, 3072], "labels": list}``, in the same order.
Source: https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array, Dataset, Examples
from cnnkit.data.files import readable, sought
from cnnkit.data.pickled import unpickled
from cnnkit.errors import DataError

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

_BINARY = "cifar-10-batches-bin"
_PYTHON = "cifar-10-batches-py"
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = ("test_batch",)
_PIXELS = 3 * 32 * 32


def cifar10(data_dir: Path) -> Dataset:
    """CIFAR-10: 50,000 + 10,000 pictures of 32x32x3, from either version of its batches."""
    parts = [_joined(data_dir, names) for names in (_TRAIN, _TEST)]
    return Dataset("cifar10", parts[0], parts[1], CLASSES)


def _joined(data_dir: Path, names: tuple[str, ...]) -> Examples:
    read, paths = _batches(data_dir, names)
    batches = [read(path) for path in paths]
    planes = np.concatenate([pixels for pixels, _ in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([labels for _, labels in batches]).astype(np.int32)
    return Examples(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels)


def _batches(data_dir: Path, names: tuple[str, ...]) -> tuple[Any, list[Path]]:
    """The version of the batches that is there, and its files."""
    python = data_dir / _PYTHON
    if not (data_dir / _BINARY).is_dir() and python.is_dir():
        return read_python, [sought("cifar10", python, (name,)) for name in names]
    binary = data_dir / _BINARY
    return read_binary, [sought("cifar10", binary, (f"{name}.bin",)) for name in names]


def read_binary(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pixels ``[N, 3072]``, a plane a colour, and labels ``[N]`` of a binary batch.

    Raises:
        DataError: The file is damaged.
    """
    with readable(path):
        records = np.fromfile(path, np.uint8)
    if not records.size or records.size % (1 + _PIXELS):
        raise DataError(
            f"{path} has {records.size:,} bytes, which is no multiple of {1 + _PIXELS:,}, those of "
            f"an image and its label: fetch it again"
        )
    records = records.reshape(-1, 1 + _PIXELS)
    return records[:, 1:], _checked(records[:, 0], path)


def read_python(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pixels ``[N, 3072]``, a plane a colour, and labels ``[N]`` of a pickled batch.

    Raises:
        DataError: The file is damaged, or its pickle asks for more than lists and an array.
    """
    batch = unpickled(path)
    if not isinstance(batch, dict):
        raise DataError(f"{path} holds a {type(batch).__name__}, not the fields of a CIFAR batch")
    pixels, labels = batch.get(b"data"), batch.get(b"labels")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise DataError(f"{path} has no array of bytes as its data")
    if pixels.shape[1] != _PIXELS:
        raise DataError(f"{path} has images of {pixels.shape[1]:,} bytes, not {_PIXELS:,}")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise DataError(f"{path} has no list of whole numbers as its labels")
    if len(labels) != len(pixels):
        raise DataError(f"{path} has {len(pixels):,} images, but {len(labels):,} labels")
    return pixels, _checked(np.array(labels, object), path)


def _checked(labels: Array, path: Path) -> NDArray[np.uint8]:
    wrong = np.flatnonzero((labels < 0) | (labels >= len(CLASSES)))
    if wrong.size:
        first = int(wrong[0])
        raise DataError(
            f"{path}: image {first} has label {labels[first]}, but classes go from 0 to "
            f"{len(CLASSES) - 1}; {wrong.size:,} of {len(labels):,} labels are so"
        )
    return labels.astype(np.uint8)
