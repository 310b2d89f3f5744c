"""Folders as people lay them out: which are splits, which classes, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cnnkit.data import DataError
from cnnkit.data.folders import listings
from cnnkit.data.layout import part_of

PETS = ("cat", "dog")


def fill(root: Path, *folders: str) -> Path:
    """Two images in each folder."""
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for number in range(2):
            Image.new("L", (2, 2), number).save(root / folder / f"{number}.png")
    return root


def of_pets(*splits: str) -> tuple[str, ...]:
    return tuple(f"{split}/{pet}" for split in splits for pet in PETS)


# The folders with images in them; then the folder of each split, or what the refusal says.
TRAIN_VALIDATION, TRAIN_TEST = ("train", "validation"), ("train", "test")
ALL = ("train", "validation", "test")
LAYOUTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "classes": (PETS, ("train",), PETS),
    "train, test": (of_pets("train", "test"), TRAIN_TEST, PETS),
    "train, valid": (of_pets("train", "valid"), TRAIN_VALIDATION, PETS),
    "train, val, test": (of_pets("train", "val", "test"), ALL, PETS),
    "Train, Test": (of_pets("Train", "Test"), TRAIN_TEST, PETS),
    "TRAIN, VAL, TEST": (of_pets("TRAIN", "VAL", "TEST"), ALL, PETS),
    "Training, Testing": (of_pets("Training", "Testing"), TRAIN_TEST, PETS),
    "training_set, test_set": (of_pets("training_set", "test_set"), TRAIN_TEST, PETS),
    "trainset, testset": (of_pets("trainset", "testset"), TRAIN_TEST, PETS),
    "seg_train, seg_test": (of_pets("seg_train", "seg_test"), TRAIN_TEST, PETS),
    "seg_train/seg_train": (
        of_pets("seg_train/seg_train", "seg_test/seg_test"), TRAIN_TEST, PETS,
    ),
    "train, dev": (of_pets("train", "dev"), TRAIN_VALIDATION, PETS),
    "a wrapping folder": (of_pets("archive/train", "archive/test"), TRAIN_TEST, PETS),
    "two wrapping folders": (tuple(f"a/b/{pet}" for pet in PETS), ("train",), PETS),
    "classes of these names": (("train", "valid"), ("train",), ("train", "valid")),
    "a class of this name": (("bus", "train", "car"), ("train",), ("bus", "car", "train")),
    "train alone": (of_pets("train"), ("train",), PETS),
    "subfolders of a class": (("cat", "cat/young", "dog"), ("train",), PETS),
    "a subfolder in each class": (("cat/images", "dog/images"), ("train",), PETS),
    "litter of archives": (
        (*of_pets("train", "test"), "__MACOSX/train/cat", "__macosx/test"), TRAIN_TEST, PETS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_understood(name: str, tmp_path: Path) -> None:
    folders, parts, classes = LAYOUTS[name]
    found = listings(fill(tmp_path / "data", *folders))
    assert set(found.parts) == set(parts)
    assert found.classes == classes
    images = sum(len(listing.paths) for listing in found.parts.values())
    assert images == 2 * sum("macosx" not in folder.lower() for folder in folders)
    for part, listing in found.parts.items():
        if len(parts) > 1:
            inside = {path.relative_to(tmp_path / "data").parts for path in listing.paths}
            assert all(any(part_of(each) == part for each in path) for path in inside)


REFUSED = {
    "splits of unknown names": (
        of_pets("2019", "2020"),
        (
            "{root}: each of its folders 2019, 2020 holds the same cat, dog: where they are "
            "splits, call them train, validation and test; where they are classes, put the images "
            "of each into its folder itself"
        ),
    ),
    "train and an unknown name": (
        of_pets("train", "holdout"),
        "{root}: each of its folders holdout, train holds the same cat, dog: where they are",
    ),
    "no train": (
        of_pets("valid", "test"),
        "{root}: each of its folders test, valid holds the same cat, dog: where they are splits,",
    ),
    "classes outside": (
        ("cat/train", "cat/test", "dog/train", "dog/test"),
        (
            "{root}: each of its folders cat, dog holds the same test, train, which are splits: "
            "put the splits outside and the classes in them, as in train/cat"
        ),
    ),
    "both names of a split": (
        of_pets("train", "val", "dev"),
        "{root} has both dev and val: keep one of them",
    ),
    "something beside the splits": (
        (*of_pets("seg_train", "seg_test"), "seg_pred"),
        "{root} has the splits seg_test, seg_train and beside them seg_pred: move that elsewhere",
    ),
    "a test split without classes": (
        (*of_pets("train"), "test"),
        "{root}/test has images, but no class folders: give each class a folder",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_layout_is_refused(name: str, tmp_path: Path) -> None:
    folders, message = REFUSED[name]
    root = fill(tmp_path / "data", *folders)
    with pytest.raises(DataError) as caught:
        listings(root)
    assert str(caught.value).startswith(message.format(root=root))


@pytest.mark.parametrize(
    "name", ["Thumbs.db", "thumbs.DB", "Desktop.ini", "desktop.ini", ".DS_Store"]
)
def test_litter_is_passed_over_in_any_case(name: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "data", *PETS)
    (root / "cat" / name).write_bytes(b"litter")
    fill(root / "cat" / "__MacOSX", "x")
    assert len(listings(root).parts["train"].paths) == 4


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG", ".avif", ".tif"])
def test_images_are_known_by_many_suffixes(suffix: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "data", *PETS)
    (root / "cat" / "0.png").rename(root / "cat" / f"0{suffix}")
    assert len(listings(root).parts["train"].paths) == 4
