"""CIFAR-10's batches, and pickles that are not what they say."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data import DataError, load
from cnnkit.data.cifar import CLASSES, read_binary, read_python
from cnnkit.errors import UsageError
from tests.data.made import in_turn, modern_pickle, python_2_pickle, random_images, write_cifar


@pytest.mark.parametrize("version", ["bin", "py"])
def test_both_versions_give_the_same(version: str, tmp_path: Path) -> None:
    images = write_cifar(tmp_path)
    other = tmp_path / f"cifar-10-batches-{'py' if version == 'bin' else 'bin'}"
    other.rename(tmp_path / "elsewhere")
    dataset = load("cifar10", data_dir=tmp_path, input_shape=(32, 32, 3), outputs=10)
    assert np.array_equal(dataset.train.inputs[:], images)
    assert dataset.train.targets.tolist() == list(range(10)) * 5
    assert dataset.test is not None
    assert dataset.test.inputs.shape == (10, 32, 32, 3)
    assert dataset.classes == CLASSES


def test_a_record_is_a_label_and_three_planes(tmp_path: Path) -> None:
    record = bytes([7]) + bytes([1]) * 1024 + bytes([2]) * 1024 + bytes([3]) * 1024
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(record)
    pixels, labels = read_binary(path)
    assert labels.tolist() == [7]
    assert pixels.reshape(3, 32, 32)[:, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("size", [0, 3072, 3074, 30000])
def test_a_cut_off_binary_batch_is_found_by_its_size(size: int, tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(bytes(size))
    with pytest.raises(DataError) as caught:
        read_binary(path)
    assert str(caught.value) == (
        f"{path} has {size:,} bytes, which is no multiple of 3,073, those of an image and its "
        "label: fetch it again"
    )


def test_a_label_beyond_the_classes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(bytes(3073) + bytes([10]) + bytes(3072))
    with pytest.raises(DataError) as caught:
        read_binary(path)
    assert str(caught.value) == (
        f"{path}: image 1 has label 10, but classes go from 0 to 9; 1 of 2 labels are so"
    )


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    (tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin").unlink()
    with pytest.raises(UsageError, match=r"there is no data_batch_3\.bin; fetch it with"):
        load("cifar10", data_dir=tmp_path)


@pytest.mark.parametrize("written", [python_2_pickle, modern_pickle])
def test_pickles_of_both_pythons_are_read(written: Any, tmp_path: Path) -> None:
    images, labels = random_images(10, 3072), in_turn(10).tolist()
    path = tmp_path / "data_batch_1"
    path.write_bytes(written(images, labels))
    assert pickle.loads(path.read_bytes(), encoding="bytes")[b"labels"] == labels  # noqa: S301
    pixels, found = read_python(path)
    assert np.array_equal(pixels, images)
    assert found.tolist() == labels


class _Shell:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_a_command_is_refused(protocol: int, tmp_path: Path) -> None:
    mark, path = tmp_path / "ran", tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({b"data": _Shell(mark)}, protocol))
    with pytest.raises(DataError) as caught:
        read_python(path)
    assert str(caught.value) == (
        f"{path} is refused: it asks for `posix.system`; a batch of CIFAR holds lists and one array"
    )
    assert not mark.exists()
    pickle.loads(path.read_bytes())  # noqa: S301
    assert mark.exists()


_NDARRAY = b"cnumpy\nndarray\n"
_HOSTILE = {
    "eval": (b"c__builtin__\neval\n(S'1'\ntR.", "it asks for `__builtin__.eval`"),
    "a deep name": (b"\x80\x04\x8c\x05numpy\x8c\x0cos.path.join\x93.", "`numpy.os.path.join`"),
    "another of numpy": (b"cnumpy\nload\n(S'x'\ntR.", "it asks for `numpy.load`"),
    "a changed class": (_NDARRAY + b"}S'__new__'\nI1\nsb.", "it changes a function"),
    "a changed dtype": (b"cnumpy\ndtype\n}S'__call__'\nI1\nsb.", "it changes a function"),
    "a called class": (_NDARRAY + b"(I1\ntR.", "is no readable pickle (TypeError)"),
    "a new object": (b"\x80\x02" + _NDARRAY + b")\x81.", "is no readable pickle (TypeError)"),
    "a persistent name": (b"Pname\n.", "is no readable pickle (UnpicklingError)"),
    "an extension": (b"\x80\x02\x82\x01.", "is no readable pickle (ValueError)"),
    "an empty stack": (b"0.", "is no readable pickle (IndexError)"),
    "nothing": (b"", "is no readable pickle (EOFError)"),
    "a text": (b"airplane\n", "is no readable pickle (IndexError)"),
    "a list": (b"].", "holds a list, not the fields of a CIFAR batch"),
    "no array": (b"}.", "has no array of bytes as its data"),
    "a huge text": (b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b".", "is no readable pickle"),
    "a huge memo": (b"\x80\x02]r" + struct.pack("<I", 2**32 - 1) + b"0].", "holds a list"),
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_hostile_pickle_is_refused(name: str, tmp_path: Path) -> None:
    data, message = _HOSTILE[name]
    path = tmp_path / "data_batch_1"
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_python(path)
    assert str(caught.value).startswith(f"{path} ")
    assert message in str(caught.value)


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({b"data": np.array([None, []], object)}, 2))
    with pytest.raises(DataError, match="is refused: its array is none of bytes"):
        read_python(path)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({b"data": np.zeros((2, 3072), np.uint8)}, "has no list of whole numbers as its labels"),
        (
            {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, True]},
            "has no list of whole numbers as its labels",
        ),
        (
            {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]},
            "has 2 images, but 1 labels",
        ),
        (
            {b"data": np.zeros((2, 784), np.uint8), b"labels": [0, 1]},
            "has images of 784 bytes, not 3,072",
        ),
        (
            {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10**30]},
            f": image 1 has label {10**30}, but classes go from 0 to 9; 1 of 2 labels are so",
        ),
        (
            {b"data": np.zeros((2, 3072), np.uint8), b"labels": [-1, 0]},
            ": image 0 has label -1, but classes go from 0 to 9; 1 of 2 labels are so",
        ),
    ],
)
def test_fields_that_do_not_fit_are_named(
    batch: dict[bytes, object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(batch, 2))
    with pytest.raises(DataError) as caught:
        read_python(path)
    assert str(caught.value).removeprefix(str(path)).lstrip() == message


def test_any_cut_of_a_pickle_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    data = python_2_pickle(random_images(1, 3072), [3])
    path = tmp_path / "data_batch_1"
    for kept in [*range(200), *range(200, len(data), 101)]:
        path.write_bytes(data[:kept])
        with pytest.raises(DataError):
            read_python(path)
