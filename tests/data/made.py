"""Small data sets in the publishers' formats, made by hand."""

from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]


def idx(array: Bytes) -> bytes:
    """An idx file of unsigned bytes, as http://yann.lecun.com/exdb/mnist describes it."""
    extents = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + extents + array.tobytes()


def random_images(count: int, *shape: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def in_turn(count: int, classes: int = 10) -> Bytes:
    return (np.arange(count) % classes).astype(np.uint8)


def write_mnist(folder: Path, *, train: int = 30, test: int = 20, compressed: bool = False) -> None:
    folder.mkdir(parents=True)
    for prefix, count in (("train", train), ("t10k", test)):
        files = {
            f"{prefix}-images-idx3-ubyte": idx(random_images(count, 28, 28)),
            f"{prefix}-labels-idx1-ubyte": idx(in_turn(count)),
        }
        for name, data in files.items():
            path = folder / (f"{name}.gz" if compressed else name)
            path.write_bytes(gzip.compress(data) if compressed else data)


def write_cifar(data_dir: Path, each: int = 10) -> Bytes:
    """Both versions of the batches; gives the training images, ``[5·each, 32, 32, 3]``."""
    binary, python = data_dir / "cifar-10-batches-bin", data_dir / "cifar-10-batches-py"
    binary.mkdir(parents=True)
    python.mkdir()
    images = random_images(6 * each, 32, 32, 3)
    planes = images.transpose(0, 3, 1, 2).reshape(6, each, 3072)
    for batch, name in enumerate([f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]):
        labels = in_turn(each)
        records = np.concatenate([labels[:, None], planes[batch]], 1)
        (binary / f"{name}.bin").write_bytes(records.tobytes())
        (python / name).write_bytes(python_2_pickle(planes[batch], labels.tolist()))
    return images[: 5 * each]


def python_2_pickle(data: Bytes, labels: list[int]) -> bytes:
    """A batch with the opcodes of Python 2's protocol 2, in which CIFAR-10 was published."""

    def string(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text  # SHORT_BINSTRING

    # numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), "b"), and then its state:
    # (1, shape, dtype, False, bytes); the comments name the opcodes that are not plain.
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"  # GLOBAL, TUPLE1
    shape = b"(K\x01M%bM\x00\x0c\x86" % struct.pack("<H", len(data))  # BININT2, TUPLE2
    dtype = b"cnumpy\ndtype\n%bK\x00K\x01\x87R" % string(b"u1")  # TUPLE3, REDUCE
    state = b"(K\x03%bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" % string(b"|")  # BUILD
    raw = b"\x89T" + struct.pack("<i", data.size) + data.tobytes() + b"tb"  # NEWFALSE, BINSTRING
    array = made + string(b"b") + b"\x87R" + shape + dtype + state + raw
    listed = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    name = string(b"batch_label") + string(b"training batch 1 of 5")
    fields = string(b"data") + array + string(b"labels") + listed + name
    return b"\x80\x02}(" + fields + b"u."


def write_images(
    folder: Path, classes: tuple[str, ...] = ("cat", "dog"), each: int = 3, size: int = 8
) -> None:
    """Class folders of PNG files, each of one colour: the class's number times 50."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(each):
            image = Image.new("RGB", (size, size), (50 * number, index, 0))
            image.save(folder / name / f"{index}.png")


def modern_pickle(data: Bytes, labels: list[int]) -> bytes:
    return pickle.dumps({b"data": data, b"labels": labels}, protocol=2)
