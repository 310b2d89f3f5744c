"""Images that are cut into tiles: what becomes an example, and what is wrong."""

from __future__ import annotations

import sys
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
from cnnkit.errors import MissingExtraError
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
        "a test split of 0.15 of 1 example is empty: hold a number of them back, `split: {test: 1}`"
        ", or none, `split: {test: 0}`"
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


def test_volumes_need_their_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "0.nii.gz").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(MissingExtraError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'images' / '0.nii.gz'} is a volume of NIfTI, which is read by nibabel: pip "
        f"install 'cnnkit[nifti]'"
    )
