"""Files .npz: how arrays are found, what they become, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data import DataError, Dataset, load
from cnnkit.errors import UsageError
from cnnkit.spec.model.training import Arrays
from tests.data.made import in_turn, random_images

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(**arrays: Any) -> Path:
        path = tmp_path / "set.npz"
        np.savez(path, **arrays)
        return path

    return write


def read(path: Path, **options: Any) -> Dataset:
    names = {key: options.pop(key) for key in list(options) if key in Arrays.model_fields}
    return load(Arrays(arrays=str(path), **names), **options)


X, Y = random_images(20, 8, 8, 3), in_turn(20, 4)


@pytest.mark.parametrize(
    "names",
    [("x", "y"), ("X", "y"), ("inputs", "targets"), ("images", "labels"), ("data", "labels")],
)
def test_the_usual_names_are_found(names: tuple[str, str], save: Save) -> None:
    dataset = read(save(**{names[0]: X, names[1]: Y}), input_shape=(8, 8, 3), outputs=4)
    assert dataset.name == "set.npz"
    assert np.array_equal(dataset.train.inputs[:], X)
    assert dataset.train.targets.tolist() == Y.tolist()
    assert dataset.test is None
    assert dataset.classes == ("0", "1", "2", "3")


@pytest.mark.parametrize("pattern", ["{}_{}", "{1}_{0}"])
@pytest.mark.parametrize("validation", ["val", "validation"])
def test_splits_are_found_by_their_names(pattern: str, validation: str, save: Save) -> None:
    parts = {"train": slice(0, 12), validation: slice(12, 16), "test": slice(16, 20)}
    arrays = {
        pattern.format(name, part): array[place]
        for part, place in parts.items()
        for name, array in (("x", X), ("y", Y))
    }
    dataset = read(save(**arrays))
    assert dataset.validation is not None
    assert dataset.validation.tolist() == [12, 13, 14, 15]
    assert np.array_equal(dataset.train.inputs[:], X[:16])
    assert dataset.test is not None
    assert dataset.test.targets.tolist() == Y[16:].tolist()


def test_other_names_can_be_given(save: Save) -> None:
    path = save(pixels=X[:16], species=Y[:16], more=X[16:], others=Y[16:])
    names = {"test_inputs": "more", "test_targets": "others"}
    dataset = read(path, inputs="pixels", targets="species", **names)
    assert len(dataset.train) == 16
    assert dataset.test is not None
    assert np.array_equal(dataset.test.inputs[:], X[16:])


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (
            {"a": X, "b": Y},
            {},
            "has no examples that are called x and y, or x_train and y_train; it has a, b: say",
        ),
        ({"x": X}, {}, "has x, but no y; it has x"),
        ({"x_train": X, "y": Y}, {}, "has x_train, but no y_train; it has x_train, y"),
        (
            {"x": X, "y": Y, "x_train": X, "y_train": Y},
            {},
            "has all examples and a training split too: x, y, x_train, y_train",
        ),
        (
            {"pixels": X, "species": Y},
            {"inputs": "pixel", "targets": "species"},
            "has no array `pixel`: did you mean `pixels`?",
        ),
        ({"pixels": X, "y": Y}, {"inputs": "pixels"}, "name its targets too, as `targets: NAME`"),
        ({"x": X, "y": Y[:-1]}, {}, "has 20 inputs, but 19 targets"),
        (
            {"x": X[:, 0, 0, 0], "y": Y},
            {},
            "its inputs have shape 20 and its targets 20; the first axis",
        ),
        (
            {"x": X, "y": np.zeros((20, 1, 1, 1, 1, 2))},
            {},
            "its targets have shape 20x1x1x1x1x2; N or NxK is due, or an axis for each spatial",
        ),
        (
            {"x": X[:1], "y": np.int64(1)},
            {},
            "inputs have shape 1x8x8x3 and its targets of no axis",
        ),
        (
            {"x": X, "y": Y, "x_test": X / 255, "y_test": Y},
            {},
            "the inputs of train are uint8 and those of test float64; bytes stand for 0 to 1",
        ),
        ({"x": X, "y": Y, "classes": ["a", "b", "a", "c"]}, {}, "two of its `classes` have one"),
        ({"x": X.astype(complex), "y": Y}, {}, "its inputs are of type complex128; numbers"),
        ({"x": X, "y": Y.astype("datetime64[D]")}, {}, "its targets are of type datetime64[D]"),
        (
            {"x": X, "y": Y, "x_test": X, "y_test": np.zeros((20, 4))},
            {},
            "the targets of train and test have shapes 20 and 20x4",
        ),
        (
            {"x_train": X, "y_train": Y, "x_val": X[:, 1:], "y_val": Y},
            {},
            "the arrays of validation differ in shape or type from train's",
        ),
    ],
)
def test_what_cannot_be_paired_is_said(
    arrays: dict[str, Any], options: dict[str, Any], message: str, save: Save
) -> None:
    path = save(**arrays)
    with pytest.raises(DataError) as caught:
        read(path, **options)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [np.int16, np.int64, np.float16, np.float64, bool])
def test_numbers_other_than_bytes_become_float32(kind: type, save: Save) -> None:
    dataset = read(save(x=(X > 127).astype(kind), y=Y))
    assert dataset.train.inputs.dtype == np.float32
    assert np.array_equal(dataset.train.inputs[:], (X > 127).astype(np.float32))


@pytest.mark.parametrize(
    "targets", [Y, Y[:, None], Y.astype(np.int64), Y.astype(np.uint64)], ids=str
)
def test_whole_numbers_are_classes(targets: Any, save: Save) -> None:
    train = read(save(x=X, y=targets)).train
    assert (train.targets.dtype, train.targets.ndim) == (np.dtype(np.int32), 1)
    assert train.targets.tolist() == Y.tolist()


def test_truth_values_in_columns_are_marks(save: Save) -> None:
    marks = np.eye(4, dtype=bool)[Y]
    dataset = read(save(x=X, y=marks), outputs=4)
    assert dataset.train.targets.dtype == np.float32
    assert dataset.train.targets.tolist() == marks.astype(float).tolist()
    assert dataset.classes == ()
    labels = dataset.train.labels()
    assert labels is not None
    assert labels.tolist() == Y.tolist()  # one mark each, so they are classes too
    marks[0] = True
    assert read(save(x=X, y=marks)).train.labels() is None


def test_floats_are_values_to_predict(save: Save) -> None:
    dataset = read(save(x=X, y=np.linspace(0, 1, 20)), outputs=1)
    assert dataset.train.targets.shape == (20, 1)
    assert dataset.train.labels() is None


@pytest.mark.parametrize("kind", ["U", "S"])
def test_texts_are_classes_in_their_order(kind: str, save: Save) -> None:
    names = np.array(["pear", "fig", "apple", "fig"], kind)
    dataset = read(save(x_train=X[:4], y_train=names, x_test=X[:3], y_test=names[:3]))
    assert dataset.classes == ("apple", "fig", "pear")
    assert dataset.train.targets.tolist() == [2, 1, 0, 1]
    assert dataset.test is not None
    assert dataset.test.targets.tolist() == [2, 1, 0]


def test_the_classes_may_be_named(save: Save) -> None:
    path = save(x=X, y=Y, classes=["a", "b", "c", "d"])
    assert read(path).classes == ("a", "b", "c", "d")


def test_a_label_beyond_the_named_classes_is_found(save: Save) -> None:
    with pytest.raises(DataError) as caught:
        read(save(x=X, y=Y, classes=["a", "b", "c"]))
    assert str(caught.value) == (
        "set.npz (train): example 3 has label 3, but those of 3 classes go from 0 to 2"
    )


def test_objects_are_never_unpickled(save: Save) -> None:
    path = save(x=X, y=np.array([{}] * 20, object))
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path} holds Python objects, which are never read: save arrays of numbers"
    )


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path} is no .npz file, or only a part of one: write it with np.savez"
    )


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*set\.npz"):
        read(tmp_path / "set.npz")


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_cut_off_or_changed_file_is_named(place: float, save: Save) -> None:
    path = save(x=X, y=Y)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * place)])
    with pytest.raises(DataError, match=r"is no \.npz file, or only a part of one"):
        read(path)
    changed = bytearray(data)
    changed[int(len(data) * place)] ^= 0xFF
    path.write_bytes(changed)
    with pytest.raises(DataError, match=r"set\.npz"):
        read(path)


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"")
    data = path.read_bytes()
    # The central directory's size of the unpacked file; nothing is unpacked to learn it.
    place = data.index(b"PK\x01\x02") + 24
    huge = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(data[:place] + huge + data[place + 4 :])
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].file_size == 2**32 - 2
    with pytest.raises(DataError):
        read(path)


def test_other_ranks_are_read(save: Save) -> None:
    signals = np.zeros((20, 100, 2), np.float32)
    assert read(save(x=signals, y=Y), input_shape=(100, 2)).shape == (100, 2)
    volumes = random_images(20, 4, 5, 6)
    assert read(save(x=volumes, y=Y), input_shape=(4, 5, 6, 1)).shape == (4, 5, 6, 1)
