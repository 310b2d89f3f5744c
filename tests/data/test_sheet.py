"""The sheet of samples: a row a class, whatever the examples are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import Dataset, Examples, load
from cnnkit.data.dataset import Array
from cnnkit.data.sheet import write_sheet
from cnnkit.errors import UsageError
from cnnkit.spec.model.training import Images
from tests.data.made import write_images


def sheet(dataset: Dataset, path: Path) -> np.ndarray:
    write_sheet(dataset, path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_each_row_has_the_colour_of_its_class(tmp_path: Path) -> None:
    write_images(tmp_path / "pets", ("cat", "dog", "emu"), each=4)
    dataset = load(Images(images=str(tmp_path / "pets")))
    pixels = sheet(dataset, tmp_path / "sheet.png")
    # Cells of 8x8 are enlarged to 64x64, with 4 between them: 3 rows, and 4 columns.
    assert pixels.shape[0] == 4 + 3 * 68
    for row in range(3):
        cells = pixels[4 + row * 68 : 4 + row * 68 + 64, -4 * 68 :]
        for column in range(4):
            cell = cells[:, column * 68 : column * 68 + 64]
            assert (cell == cell[0, 0]).all()
            assert cell[0, 0, 0] == 50 * row
        samples = {int(cells[0, column * 68, 1]) for column in range(4)}
        assert samples == {0, 1, 2, 3}
    again = sheet(dataset, tmp_path / "again.png")
    assert np.array_equal(pixels, again)


@pytest.mark.parametrize(
    "shape",
    [
        (28, 28, 1),
        (200, 100, 3),
        (5, 5, 2),
        (16,),
        (17,),
        (1,),
        (300, 1),
        (300, 2),
        (6, 7, 8, 1),
        (9, 9),
    ],
    ids=lambda shape: "x".join(map(str, shape)),
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_examples_of_any_rank_are_drawn(
    shape: tuple[int, ...], dtype: type, tmp_path: Path
) -> None:
    inputs: Array = (np.random.default_rng(0).random((6, *shape)) * 255).astype(dtype)
    dataset = Dataset("made", Examples(inputs, np.array([0, 1] * 3, np.int32)), None, ("a", "b"))
    pixels = sheet(dataset, tmp_path / "sheet.png")
    assert pixels.shape[1] <= 1700
    assert pixels.min() < 100  # something is drawn
    assert pixels.max() == 255


def test_values_to_predict_are_drawn_without_names(tmp_path: Path) -> None:
    inputs = np.full((30, 8, 8, 1), 3.0, np.float32)
    dataset = Dataset("made", Examples(inputs, np.zeros((30, 2), np.float32)), None, ())
    assert sheet(dataset, tmp_path / "sheet.png").shape == (4 + 3 * 68, 4 + 12 * 68, 3)


def test_of_many_classes_the_first_are_drawn(tmp_path: Path) -> None:
    names = tuple(f"{'very ' * 30}long name {number}" for number in range(100))
    inputs = np.zeros((100, 8, 8, 1), np.uint8)
    dataset = Dataset("made", Examples(inputs, np.arange(100, dtype=np.int32)), None, names)
    assert sheet(dataset, tmp_path / "sheet.png").shape == (4 + 20 * 68, 200 + 68, 3)


def test_a_file_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no/sheet\.png cannot be written: No such file"):
        write_sheet(load("digits"), tmp_path / "no" / "sheet.png")
