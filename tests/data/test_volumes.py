"""Volumes of NIfTI: which way they are turned, what becomes an example, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data import DataError, Dataset, load
from cnnkit.data.groups import groups_of
from cnnkit.data.summary import summary
from cnnkit.spec.model.training import Images, Train

RANDOM = np.random.default_rng(4)
ENTROPY = Train().loss

nibabel: Any = pytest.importorskip("nibabel")

AFFINE = np.array([[0, -2, 0, 5], [1, 0, 0, -3], [0, 0, -3, 7], [0, 0, 0, 1]], float)
"""Voxels of 1 x 2 x 3 mm: the axes go to the front, to the left, and down."""


def save(path: Path, values: Any, affine: Any = AFFINE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(values, affine).to_filename(path)


def read(folder: Path, shape: tuple[int, ...], **fields: Any) -> Dataset:
    source = Images(images=str(folder / "images"), masks=str(folder / "masks"), **fields)
    return load(source, input_shape=shape, loss=ENTROPY)


def problem(folder: Path, *shape: int, **fields: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, shape, **fields)
    return str(caught.value)


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
    found = read(volumes, (5, 6, 1))
    assert found.train.inputs.shape == (12, 5, 6, 1)
    whole = turned(volumes / "images" / "1.nii.gz")
    np.testing.assert_array_equal(found.train.inputs[6][..., 0], whole[:, :, 2])
    np.testing.assert_array_equal(found.train.targets[6], whole[:, :, 2] > 300)
    sources = found.train.sources
    assert sources is not None
    assert sources.name(6) == "1.nii.gz[:, :, 2]"
    assert groups_of(found, None) is not None


def test_volumes_and_their_tiles(volumes: Path) -> None:
    found = read(volumes, (5, 6, 4, 1))
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
    assert problem(volumes, 5, 5, 1) == "\n  ".join(
        f"{images / name} is 5x6x4, and the network's input is 5x5: volumes are not resized; cut "
        f"them into tiles, `tiles: {{overlap: 0.25}}`, or resample them"
        for name in ("0.nii", "1.nii.gz", "2.nii.gz")
    )
    save(masks / "0.nii", np.zeros((6, 5, 4), np.uint8), np.diag([1.0, 2, 3, 1]))
    assert problem(volumes, 5, 6, 1) == (
        f"{masks / '0.nii'} is 6x5x4, and its image {images / '0.nii'} is 5x6x4: a mask has the "
        f"extents of its image"
    )
    shifted = AFFINE.copy()
    shifted[0, 3] += 1
    save(masks / "0.nii", np.zeros((6, 5, 4), np.uint8), shifted)
    assert problem(volumes, 5, 6, 1) == (
        f"{masks / '0.nii'} lies elsewhere than its image {images / '0.nii'}: their affines "
        f"differ; resample the mask to its image"
    )
    save(masks / "0.nii", np.full((6, 5, 4), 0.5, np.float32))
    assert problem(volumes, 5, 6, 1) == (
        f"{masks / '0.nii'} has the value 0.5, which is no class: a mask has whole numbers"
    )
    (images / "0.nii").write_bytes(b"no volume at all")
    assert problem(volumes, 5, 6, 1).startswith(f"{images / '0.nii'} cannot be read as NIfTI: ")


def test_voxels_of_other_extents_are_told(volumes: Path) -> None:
    other = AFFINE @ np.diag([1, 1, 2.5, 1])
    save(volumes / "images" / "2.nii.gz", np.zeros((6, 5, 4), np.float32), other)
    save(volumes / "masks" / "2.nii.gz", np.zeros((6, 5, 4), np.uint8), other)
    assert read(volumes, (5, 6, 1)).notes[0] == (
        "the voxels of 2.nii.gz are 2 x 1 x 7.5, and those of most volumes 2 x 1 x 3: resample "
        "them to one size"
    )
