"""Images that are cut into tiles, and volumes: what becomes an example, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import DataError, Dataset, Splits, load, split, statistics
from cnnkit.data.duplicates import leaks, repeated
from cnnkit.data.groups import groups_of
from cnnkit.data.inspection import warnings_of
from cnnkit.data.piece_array import PieceArray
from cnnkit.data.summary import summary
from cnnkit.spec.model.training import Images, SplitSettings, Train
from cnnkit.tasks.task import IGNORED

RANDOM = np.random.default_rng(4)
ENTROPY = Train().loss
EXTENTS = ((20, 13), (8, 8), (9, 30), (5, 11))


def write(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Four pictures of their own extents, with masks of two classes."""
    for number, extents in enumerate(EXTENTS):
        write(tmp_path / "images" / f"{number}.png", RANDOM.integers(0, 256, extents))
        write(tmp_path / "masks" / f"{number}.png", RANDOM.integers(0, 2, extents))
    return tmp_path


def read(folder: Path, shape: tuple[int, ...] | None = (8, 8, 1), **fields: Any) -> Dataset:
    fields = {"tiles": {"overlap": 0.25}, **fields}
    budget = fields.pop("budget", 2**20)
    source = Images(images=str(folder / "images"), masks=str(folder / "masks"), **fields)
    return load(source, input_shape=shape, loss=ENTROPY, budget=budget)


def problem(folder: Path, *shape: int, **fields: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, shape or (8, 8, 1), **fields)
    return str(caught.value)


def test_images_of_many_extents_are_cut(scans: Path) -> None:
    found = read(scans)
    # Steps of 6 cells: 3 x 2, 1, 2 x 5 and 1 x 2 tiles.
    assert found.train.inputs.shape == (6 + 1 + 10 + 2, 8, 8, 1)
    sources = found.train.sources
    assert sources is not None
    assert [sources.name(index) for index in (0, 5, 6, 7, 17)] == [
        "0.png[0:8, 0:8]",
        "0.png[12:20, 5:13]",
        "1.png[:, :]",
        "2.png[0:8, 0:8]",
        "3.png[:, 0:8]",
    ]
    picture = np.asarray(Image.open(scans / "images" / "0.png"))
    np.testing.assert_array_equal(found.train.inputs[5][..., 0], picture[12:20, 5:13])
    masks = [np.asarray(Image.open(scans / "masks" / f"{number}.png")) for number in range(4)]
    counted = summary(found).classes
    for label in (0, 1):  # each pixel counts once
        pixels = sum(int((mask == label).sum()) for mask in masks)
        assert counted[str(label)] == {"train": pixels}
    own = found.train.targets[5]
    assert set(np.unique(own)) == {IGNORED, 0, 1}
    np.testing.assert_array_equal(own[own >= 0], masks[0][12:20, 5:13][own >= 0])


def test_many_tiles_stay_in_their_files(scans: Path) -> None:
    whole, lazy = read(scans), read(scans, budget=100)
    assert isinstance(lazy.train.inputs, PieceArray)
    every = np.arange(len(lazy.train))
    np.testing.assert_array_equal(lazy.train.inputs[every[::-1]], whole.train.inputs[every[::-1]])
    np.testing.assert_array_equal(lazy.train.inputs[3], whole.train.inputs[3])
    assert lazy.train.inputs.nbytes == whole.train.inputs.nbytes


def test_tiles_of_one_image_stand_on_one_side(scans: Path) -> None:
    found = read(scans)
    groups = groups_of(found, None)
    assert groups is not None
    assert (groups.by, groups.names) == ("file", ("0.png", "1.png", "2.png", "3.png"))
    splits = split(found, SplitSettings(validation=0.2, test=0.2), 0, groups)
    sources = found.train.sources
    assert sources is not None
    parts = (splits.train, splits.validation, splits.test)
    sides = [{sources.paths[each] for each in part.tolist()} for part in parts]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 4
    assert summary(found, splits).groups == {
        name: len(side) for name, side in zip(("train", "validation", "test"), sides, strict=True)
    }
    assert leaks(found, splits) == repeated(found, splits) == []
    patients = groups_of(found, r"(\d)")
    assert patients is not None
    assert patients.names == ("0", "1", "2", "3")


def test_one_image_alone(scans: Path) -> None:
    for number in (1, 2, 3):
        for kind in ("images", "masks"):
            (scans / kind / f"{number}.png").unlink()
    found = read(scans)
    groups = groups_of(found, None)
    with pytest.raises(DataError) as caught:
        split(found, SplitSettings(validation=1, test=1), 0, groups)
    assert str(caught.value) == (
        "a training split and two held out need 3 groups, and each file is one, which makes 1 "
        "group of 6 examples: 0.png"
    )
    whole = split(found, SplitSettings(validation=0, test=0), 0, groups)
    assert len(whole.train) == 6
    resized = read(scans, tiles=None)
    with pytest.raises(DataError) as caught:
        split(resized, SplitSettings(), 0, groups_of(resized, None))
    assert str(caught.value) == (
        "a test split of 0.15 of 1 example is empty: write how many are held back, `split: {test: "
        "1}`, or `test: 0` for none"
    )


def test_a_class_that_the_training_split_lacks(scans: Path) -> None:
    write(scans / "masks" / "3.png", np.full(EXTENTS[3], 2))
    found = read(scans)
    groups = groups_of(found, None)
    assert groups is not None
    last = np.flatnonzero(groups.train == 3)
    splits = Splits(np.flatnonzero(groups.train < 3), last, last[:0], False, False, 0, groups)
    assert (
        "the training split has no pixel of 2: too few groups have any; another `seed` may "
        "part them better"
    ) in warnings_of(found, splits, statistics(found.train, splits.train))


def test_folders_that_are_splits(scans: Path) -> None:
    for number, part in enumerate(("train", "train", "val", "test")):
        for kind in ("images", "masks"):
            (scans / kind / part).mkdir(exist_ok=True)
            (scans / kind / f"{number}.png").rename(scans / kind / part / f"{number}.png")
    for budget in (2**20, 100):
        found = read(scans, budget=budget)
        assert found.test is not None
        assert found.validation is not None
        assert (len(found.train), len(found.test)) == (17, 2)
        assert found.validation.tolist() == list(range(7, 17))
        picture = np.asarray(Image.open(scans / "images" / "test" / "3.png"))
        np.testing.assert_array_equal(found.test.inputs[np.array([0])][0, :5, :, 0], picture[:, :8])


def test_what_is_wrong_with_tiles(scans: Path) -> None:
    assert problem(scans, tiles={"size": 16}) == (
        "`tiles` has the size 16x16, and the network's input is 8x8: leave `size` out, or give the "
        "input that of the tiles"
    )
    with pytest.raises(DataError) as caught:
        read(scans, None)
    assert str(caught.value) == (
        f"{scans / 'images'} is to be cut into tiles, of which neither an input nor `tiles: "
        f"{{size: 256}}` says the size"
    )
    assert len(read(scans, None, tiles={"size": [8, 8]}).train) == 19
    write(scans / "masks" / "1.png", np.zeros((8, 7)))
    assert problem(scans) == (
        f"{scans / 'masks' / '1.png'} is 8x7, and its image {scans / 'images' / '1.png'} is 8x8: a "
        f"mask has the extents of its image"
    )


nibabel: Any = pytest.importorskip("nibabel")

AFFINE = np.array([[0, -2, 0, 5], [1, 0, 0, -3], [0, 0, -3, 7], [0, 0, 0, 1]], float)
"""Voxels of 1 x 2 x 3 mm: the axes go to the front, to the left, and down."""


def save(path: Path, values: Any, affine: Any = AFFINE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(values, affine).to_filename(path)


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """Three volumes of 6 x 5 x 4 voxels as their files have them, which become 5 x 6 x 4."""
    for number, ending in enumerate((".nii", ".nii.gz", ".nii.gz")):
        values = RANDOM.integers(-100, 1000, (6, 5, 4)).astype(np.int16)
        save(tmp_path / "images" / f"{number}{ending}", values)
        masks = (values > 300).astype(np.uint8)
        save(tmp_path / "masks" / f"{number}{ending}", masks)
    return tmp_path


def turned(path: Path) -> Any:
    """The values of a file as nibabel turns them to RAS+."""
    return nibabel.as_closest_canonical(nibabel.load(path)).get_fdata()


def test_slices_of_volumes(volumes: Path) -> None:
    found = read(volumes, (5, 6, 1), tiles=None)
    assert found.train.inputs.shape == (12, 5, 6, 1)
    whole = turned(volumes / "images" / "1.nii.gz")
    np.testing.assert_array_equal(found.train.inputs[6][..., 0], whole[:, :, 2])
    np.testing.assert_array_equal(found.train.targets[6], whole[:, :, 2] > 300)
    sources = found.train.sources
    assert sources is not None
    assert sources.name(6) == "1.nii.gz[:, :, 2]"
    assert groups_of(found, None) is not None


def test_volumes_and_their_tiles(volumes: Path) -> None:
    found = read(volumes, (5, 6, 4, 1), tiles=None)
    assert found.train.inputs.shape == (3, 5, 6, 4, 1)
    np.testing.assert_array_equal(
        found.train.inputs[2][..., 0], turned(volumes / "images" / "2.nii.gz")
    )
    tiles = read(volumes, (3, 6, 2, 1), tiles={"overlap": 0})
    assert tiles.train.inputs.shape == (12, 3, 6, 2, 1)
    np.testing.assert_array_equal(
        tiles.train.inputs[3][..., 0], turned(volumes / "images" / "0.nii")[2:, :, 2:]
    )
    assert summary(tiles).classes["1"]["train"] == (found.train.targets == 1).sum()


def test_what_is_wrong_with_volumes(volumes: Path) -> None:
    images, masks = volumes / "images", volumes / "masks"
    assert problem(volumes, 5, 5, 1, tiles=None) == "\n  ".join(
        f"{images / name} is 5x6x4, and the network's input is 5x5: volumes are not resized; cut "
        f"them into tiles, `tiles: {{overlap: 0.25}}`, or resample them"
        for name in ("0.nii", "1.nii.gz", "2.nii.gz")
    )
    save(masks / "0.nii", np.zeros((6, 5, 4), np.uint8), np.diag([1.0, 2, 3, 1]))
    assert problem(volumes, 5, 6, 1, tiles=None) == (
        f"{masks / '0.nii'} is 6x5x4, and its image {images / '0.nii'} is 5x6x4: a mask has the "
        f"extents of its image"
    )
    shifted = AFFINE.copy()
    shifted[0, 3] += 1
    save(masks / "0.nii", np.zeros((6, 5, 4), np.uint8), shifted)
    assert problem(volumes, 5, 6, 1, tiles=None) == (
        f"{masks / '0.nii'} lies elsewhere than its image {images / '0.nii'}: their affines "
        f"differ; resample the mask to its image"
    )
    save(masks / "0.nii", np.full((6, 5, 4), 0.5, np.float32))
    assert problem(volumes, 5, 6, 1, tiles=None) == (
        f"{masks / '0.nii'} has the value 0.5, which is no class: a mask has whole numbers"
    )
    (images / "0.nii").write_bytes(b"no volume at all")
    assert problem(volumes, 5, 6, 1, tiles=None).startswith(
        f"{images / '0.nii'} cannot be read as NIfTI: "
    )


def test_voxels_of_other_extents_are_told(volumes: Path) -> None:
    other = AFFINE @ np.diag([1, 1, 2.5, 1])
    save(volumes / "images" / "2.nii.gz", np.zeros((6, 5, 4), np.float32), other)
    save(volumes / "masks" / "2.nii.gz", np.zeros((6, 5, 4), np.uint8), other)
    assert read(volumes, (5, 6, 1), tiles=None).notes[0] == (
        "the voxels of 2.nii.gz are 2 x 1 x 7.5, and those of most volumes 2 x 1 x 3: resample "
        "them to one size"
    )
