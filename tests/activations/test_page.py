"""The page of an input's way through a network."""

from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cnnkit.activations.example import Example
from cnnkit.activations.maps import LayerMaps
from cnnkit.activations.page import page

INPUT = Example("<b>.csv", np.array([[[0.0], [0.5]], [[1.0], [0.25]]], np.float32), "")


def pictures(text: str) -> list[NDArray[np.uint8]]:
    files = re.findall(r'src="data:image/\w+;base64,([^"]+)"', text)
    return [np.asarray(Image.open(BytesIO(b64decode(each))).convert("RGBA")) for each in files]


def of(maps: NDArray[np.float32], filters: NDArray[np.float32] | None = None) -> str:
    return page(INPUT, [LayerMaps("layers.0", "conv", (2, 2, 1), maps, filters)], "random")


def test_maps_are_grey_or_blue_and_red_round_nothing() -> None:
    maps = np.zeros((1, 2, 2), np.float32)
    maps[0, :, 0], maps[0, :, 1] = (-4, 0), (2, 4)
    _, sheet = pictures(of(maps))
    # Two maps of 1x2 with a transparent pixel between them; the scale ends near 4.
    assert sheet.shape == (1, 5, 4)
    assert sheet[0, :, 3].tolist() == [255, 255, 0, 255, 255]
    assert sheet[0, 0, :3].tolist() == [33, 102, 172]
    assert sheet[0, 1, :3].tolist() == [247, 247, 247]
    np.testing.assert_allclose(sheet[0, 3, :3], [213, 136, 145], atol=1)
    grey, _ = pictures(of(maps))
    assert grey[:, :, 0].tolist() == [[0, 128], [255, 64]]


def test_vectors_and_signals_are_charts() -> None:
    text = of(np.array([0.5, -1.0, 0.0], np.float32))
    assert "from −1 to 0.5, mean −0.1667, 33 % of them 0" in text
    assert 'aria-label="The output of layers.0, 3 over place"' in text
    text = of(np.ones((4, 12), np.float32))
    assert text.count('<path class="line step') == 8


@pytest.mark.parametrize("shape", [(200, 100, 70), (4, 5, 6, 2), (3, 3, 3)])
def test_every_shape_has_a_picture(shape: tuple[int, ...]) -> None:
    shown, sheet = pictures(of(np.ones(shape, np.float32)))
    assert shown.shape[:2] == (2, 2)
    assert max(sheet.shape) <= 900


def test_filters_are_shown_and_names_are_text() -> None:
    filters = np.ones((3, 3, 1, 2), np.float32)
    text = of(np.ones((2, 2, 2), np.float32), filters)
    assert len(pictures(text)) == 3
    assert "The filters of layers.0, 3x3x1x2" in text
    assert "<h1>Activations: &lt;b&gt;.csv</h1>" in text
    assert len(pictures(of(np.ones((2, 2, 2), np.float32), filters[:1, :1]))) == 2
