"""The idx format of MNIST and Fashion-MNIST, also compressed with gzip.

A file is two zero bytes, a byte for the type, a byte for the rank, the extents as 32-bit
big-endian numbers, and the elements, the last axis fastest.
Source: http://yann.lecun.com/exdb/mnist, "THE IDX FILE FORMAT".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Dataset, Examples
from cnnkit.data.files import readable, sought
from cnnkit.errors import DataError
from cnnkit.layers.shape import show

DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
    "ankle boot",
)  # fmt: skip

_UNSIGNED_BYTE = 8
# Far above the publishers' files (47 MB), and no more than a machine can hold.
_LARGEST = 2**31


def mnist(data_dir: Path) -> Dataset:
    """MNIST: 60,000 + 10,000 handwritten digits of 28x28x1."""
    return _published("mnist", "mnist", data_dir / "mnist", DIGITS)


def fashion_mnist(data_dir: Path) -> Dataset:
    """Fashion-MNIST: 60,000 + 10,000 pictures of clothes of 28x28x1."""
    return _published("fashion_mnist", "fashion_mnist", data_dir / "fashion-mnist", CLOTHES)


def read(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an idx file, of any rank.

    Raises:
        DataError: The file is no idx file of unsigned bytes, or is damaged.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with readable(path):
        try:
            with opened(path, "rb") as stream:
                return _parsed(cast("IO[bytes]", stream), path)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path}: the compressed data is damaged ({error})") from None


def _parsed(stream: IO[bytes], path: Path) -> NDArray[np.uint8]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or not 1 <= magic[3] <= 4:
        raise DataError(f"{path} is no idx file: it starts with {magic.hex(' ') or 'nothing'}")
    if magic[2] != _UNSIGNED_BYTE:
        raise DataError(
            f"{path} has elements of idx type {magic[2]:#04x}; only bytes (0x08) are read"
        )
    header = stream.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise DataError(f"{path} ends inside its header")
    shape = struct.unpack(f">{magic[3]}I", header)
    size = math.prod(shape)
    if size > _LARGEST:
        raise DataError(f"{path}: its header speaks of {show(shape)}, {size:,} bytes: too many")
    data = stream.read(size)
    if len(data) < size or stream.read(1):
        found = f"only {len(data):,}" if len(data) < size else "more"
        raise DataError(f"{path}: {show(shape)} is {size:,} bytes, but it holds {found}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _published(source: str, name: str, folder: Path, classes: tuple[str, ...]) -> Dataset:
    train, test = (_split(source, folder, prefix) for prefix in ("train", "t10k"))
    return Dataset(name, train, test, classes)


def _split(source: str, folder: Path, prefix: str) -> Examples:
    images_path, labels_path = (
        sought(source, folder, (name, f"{name}.gz"))
        for name in (f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte")
    )
    images, labels = read(images_path), read(labels_path)
    if images.ndim != 3:
        raise DataError(f"{images_path} has rank {images.ndim}; images are of rank 3")
    if labels.ndim != 1:
        raise DataError(f"{labels_path} has rank {labels.ndim}; labels are of rank 1")
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} has {len(images):,} images, but {labels_path.name} has "
            f"{len(labels):,} labels"
        )
    return Examples(images[..., None], labels.astype(np.int32))
