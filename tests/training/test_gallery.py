"""The images behind wrong answers, and the first filters: written, read again, and refused."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import cnnkit
from cnnkit.network import build
from cnnkit.training.prepare.material import Material
from cnnkit.training.store.wrong import Wrong, read_wrong, write_wrong
from cnnkit.training.view.filters import read_filters, save_filters
from cnnkit.training.view.gallery import pictured, read_pictures, save_sheet

ROWS = [
    Wrong("validation", "5", "cat", "dog", 0.9),
    Wrong("validation", "7", "cat", "dog", 0.8),
    Wrong("validation", "6", "dog", "cat", 0.7),
]


def material(inputs: NDArray[Any]) -> Material:
    examples = SimpleNamespace(inputs=inputs, sources=None)
    made = SimpleNamespace(
        dataset=SimpleNamespace(shape=inputs.shape[1:]),
        inputs={},
        examples=lambda split: examples,
        indices=lambda split: np.arange(len(inputs)),
    )
    return cast(Material, made)


def written(folder: Path, inputs: NDArray[Any]) -> Path:
    write_wrong(folder / "wrong.csv", ROWS)
    save_sheet(folder / "wrong.png", material(inputs), ROWS)
    return folder


def pixels(data: bytes) -> NDArray[Any]:
    return np.asarray(Image.open(BytesIO(data)))


def test_each_confusion_shows_its_surest_before_any_shows_its_next() -> None:
    assert pictured(ROWS) == [0, 1, 2]
    assert pictured(ROWS, most=2) == [0, 2]
    assert pictured([], most=2) == []


def test_images_come_back_with_their_answers(tmp_path: Path) -> None:
    inputs = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 2, 1), np.uint8)
    found = read_pictures(written(tmp_path, inputs), "wrong.csv", "wrong.png")
    assert [each.answer for each in found] == ROWS
    grey = [np.asarray(Image.open(BytesIO(each.data)).convert("L")) for each in found]
    assert [each.tolist() for each in grey] == [[[value] * 2] * 3 for value in (5, 7, 6)]
    assert found[0].probability == "90.0 %"


def test_large_images_are_made_smaller_and_values_become_bytes(tmp_path: Path) -> None:
    inputs = np.zeros((8, 128, 64, 3), np.float32)
    inputs[5] = 0.2
    inputs[7, :64], inputs[7, 64:] = -2.0, 6.0
    inputs[7, :, :, 1:] = 2.0
    written(tmp_path, inputs)
    sheet = pixels((tmp_path / "wrong.png").read_bytes())
    assert sheet.shape == (64, 20 * 32, 3)
    assert sheet[0, 0].tolist() == [51, 51, 51]  # 0.2 of 255
    assert sheet[0, 32].tolist() == [0, 128, 128]  # −2 is the least, 2 half way to 6
    assert sheet[63, 32].tolist() == [255, 128, 128]


@pytest.mark.parametrize("shape", [(8, 5), (8, 4, 4, 2), (8, 4, 4, 4, 1)])
def test_what_is_no_image_has_no_sheet(tmp_path: Path, shape: tuple[int, ...]) -> None:
    written(tmp_path, np.zeros(shape, np.uint8))
    assert not (tmp_path / "wrong.png").exists()
    assert read_pictures(tmp_path, "wrong.csv", "wrong.png") == []


def test_damaged_files_leave_the_page_without_images(tmp_path: Path) -> None:
    folder = written(tmp_path, np.zeros((8, 4, 4, 1), np.uint8))
    assert len(read_pictures(folder, "wrong.csv", "wrong.png")) == 3
    sheet = (folder / "wrong.png").read_bytes()
    (folder / "wrong.png").write_bytes(sheet[:40])
    assert read_pictures(folder, "wrong.csv", "wrong.png") == []
    Image.new("L", (20 * 64 + 20, 64)).save(folder / "wrong.png")  # larger than any that is written
    assert read_pictures(folder, "wrong.csv", "wrong.png") == []
    (folder / "wrong.png").write_bytes(sheet)
    (folder / "wrong.csv").write_text("a,b\n1,2\n")
    assert read_pictures(folder, "wrong.csv", "wrong.png") == []
    with pytest.raises(ValueError, match=r"does not begin with split,example,true,predicted,prob"):
        read_wrong(folder / "wrong.csv")


def test_a_weight_of_the_first_filters_is_a_pixel(tmp_path: Path) -> None:
    spec = cnnkit.load("input: 5x5x1\nlayers: [{conv: {filters: 2, kernel: 3}}, flatten]")
    network = build(spec, 0)
    kernel = np.asarray(getattr(network.layers, "0").kernel[...])
    save_filters(tmp_path / "filters.png", spec, network)
    found = read_filters(tmp_path / "filters.png")
    assert found is not None
    sheet, limit = pixels(found.data), np.abs(kernel).max()
    assert sheet.shape == (3, 7, 4)  # two of three pixels, and one between them
    expected = np.rint(127.5 * (1 + kernel[:, :, 0, 1] / limit))
    np.testing.assert_array_equal(sheet[:, 4:, 0], expected)
    assert sheet[:, 3, 3].tolist() == [0, 0, 0]
    assert found.told.startswith("the 2 filters of `layers.0`, each 3x3x1, on one scale: the mid")


@pytest.mark.parametrize(
    "text",
    ["input: 9\nlayers: [{dense: {units: 2}}]", "input: 5x5x4\nlayers: [{conv: {filters: 2}}]"],
)
def test_where_no_filter_reads_an_image_there_is_no_picture(tmp_path: Path, text: str) -> None:
    spec = cnnkit.load(text.replace("filters: 2}", "filters: 2, kernel: 3}"))
    save_filters(tmp_path / "filters.png", spec, build(spec, 0))
    assert read_filters(tmp_path / "filters.png") is None
