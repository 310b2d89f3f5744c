"""MNIST's files: what is read, and what is said of those that are damaged."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from cnnkit.data import DataError, load
from cnnkit.data.idx import read
from cnnkit.errors import UsageError
from cnnkit.spec.model.training.data import Name
from tests.data.made import idx, in_turn, random_images, write_mnist


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("source", "folder"), [("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")]
)
def test_both_sets_are_read_compressed_or_not(
    source: Name, folder: str, compressed: bool, tmp_path: Path
) -> None:
    write_mnist(tmp_path / folder, compressed=compressed)
    dataset = load(source, data_dir=tmp_path, input_shape=(28, 28, 1), outputs=10)
    assert dataset.name == source
    assert (len(dataset.train), len(dataset.test or ())) == (30, 20)
    assert dataset.shape == (28, 28, 1)
    assert np.array_equal(dataset.train.inputs[:, :, :, 0], random_images(30, 28, 28))
    assert dataset.train.targets.dtype == np.int32
    assert dataset.train.targets.tolist() == in_turn(30).tolist()
    assert len(dataset.classes) == 10


def test_rows_come_before_columns(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(bytes.fromhex("00000803 00000002 00000001 00000003 010203 040506"))
    assert read(path).tolist() == [[[1, 2, 3]], [[4, 5, 6]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "{path} is no idx file: it starts with nothing"),
        (b"\x89PNG\r\n", "{path} is no idx file: it starts with 89 50 4e 47"),
        (
            b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0",
            "{path} has elements of idx type 0x0d; only bytes (0x08)",
        ),
        (b"\0\0\x08\x03\0\0", "{path} ends inside its header"),
        (idx(in_turn(5))[:-1], "{path}: 5 is 5 bytes, but it holds only 4"),
        (idx(in_turn(5)) + b"\0", "{path}: 5 is 5 bytes, but it holds more"),
        (
            b"\0\0\x08\x03" + struct.pack(">3I", 2**32 - 1, 2**31, 28),
            "{path}: its header speaks of 4294967295x2147483648x28, ",
        ),
    ],
    ids=["empty", "png", "floats", "header", "short", "long", "huge"],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_file_is_named(
    data: bytes, message: str, compressed: bool, tmp_path: Path
) -> None:
    path = tmp_path / ("labels.gz" if compressed else "labels")
    path.write_bytes(gzip.compress(data) if compressed else data)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(message.format(path=path))


@pytest.mark.parametrize("kept", [3, 20, -8, -1])
def test_a_cut_off_gzip_file_is_named(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx(random_images(50)))[:kept])
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: the compressed data is damaged (")


def test_a_changed_byte_of_a_gzip_file_is_found(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(idx(random_images(5000))))
    data[2000] ^= 1
    path = tmp_path / "labels.gz"
    path.write_bytes(data)
    with pytest.raises(DataError, match="the compressed data is damaged"):
        read(path)


def test_missing_files_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load("mnist", data_dir=tmp_path)
    assert str(caught.value) == (
        f"mnist is not in {tmp_path}/mnist: there is no train-images-idx3-ubyte or "
        "train-images-idx3-ubyte.gz; fetch it with `cnnkit data fetch mnist`, or name the folder "
        "that holds mnist/ with --data-dir or CNNKIT_DATA"
    )


def test_images_and_labels_must_be_as_many(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    labels = tmp_path / "mnist" / "train-labels-idx1-ubyte"
    labels.write_bytes(idx(in_turn(29)))
    with pytest.raises(DataError) as caught:
        load("mnist", data_dir=tmp_path)
    images = tmp_path / "mnist" / "train-images-idx3-ubyte"
    assert str(caught.value) == f"{images} has 30 images, but {labels.name} has 29 labels"


def test_files_that_are_mixed_up_are_found_by_their_rank(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / "t10k-images-idx3-ubyte").write_bytes(idx(in_turn(20)))
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte has rank 1; images are of rank 3"):
        load("mnist", data_dir=tmp_path)


def test_the_folder_of_data_sets_is_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path / "mnist")
    monkeypatch.setenv("CNNKIT_DATA", str(tmp_path))
    assert len(load("mnist").train) == 30
