"""Folders of images and of those that are to come out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import DataError, Dataset, load
from cnnkit.spec.model.training import Images, Train

RANDOM = np.random.default_rng(6)
SQUARES = Train(loss="mean_squared_error").loss


def write(folder: Path, name: str, *extents: int) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = RANDOM.integers(0, 256, extents).astype(np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return pixels


def read(root: Path, **fields: Any) -> Dataset:
    source = Images(images=str(root / "noisy"), targets=str(root / "clean"), **fields)
    return load(source, loss=SQUARES)


def test_images_that_come_out_of_images(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "noisy", f"{number}.png", 6, 8)
        clean = write(tmp_path / "clean", f"{number}.bmp", 6, 8)
    found = read(tmp_path)
    assert found.train.targets.shape == (3, 6, 8, 1)
    np.testing.assert_array_equal(found.train.targets[2][..., 0], clean)
    assert found.classes == ()
    # Without a loss too they are images, and no classes.
    again = load(Images(images=str(tmp_path / "noisy"), targets=str(tmp_path / "clean")))
    assert again.train.targets.shape == (3, 6, 8, 1)


def test_a_folder_without_classes_is_its_own_target(tmp_path: Path) -> None:
    for number in range(3):
        last = write(tmp_path / "scans", f"{number}.png", 6, 8)
    folder = str(tmp_path / "scans")
    for target in (None, "input"):
        found = load(Images(images=folder, targets=folder), loss=SQUARES, target=target)
        np.testing.assert_array_equal(found.train.inputs[2][..., 0], last)
        np.testing.assert_array_equal(found.train.targets[2][..., 0], last)


def test_super_resolution_and_splits(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write(tmp_path / "noisy" / part, "a.png", 4, 5)
        large = write(tmp_path / "clean" / part, "a.png", 8, 15, 3)
    found = read(tmp_path)
    assert found.test is not None
    assert found.test.targets.shape == (1, 8, 15, 3)
    np.testing.assert_array_equal(found.test.targets[0], large)
    assert found.train.inputs.shape == (1, 4, 5, 1)


def test_what_is_wrong_with_pairs(tmp_path: Path) -> None:
    noisy, clean = tmp_path / "noisy", tmp_path / "clean"
    write(noisy, "0.png", 6, 8)
    write(noisy, "1.png", 6, 8)
    write(clean, "0.png", 6, 8)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{noisy / '1.png'} has no target of the same name in {clean}"
    write(clean, "1.png", 9, 8)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        f"{clean / '1.png'} is 9x8, and its image {noisy / '1.png'} is 6x8: a target has the "
        f"extents of its image, or the same multiple of them as all others"
    )
