"""One input from a file: what fits, what is made to fit, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from PIL import Image

from cnnkit.activations import example as module
from cnnkit.activations.example import read_example
from cnnkit.errors import UsageError


def saved(path: Path, array: ArrayLike) -> str:
    np.save(path, array)
    return str(path)


def table(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def image(path: Path, mode: str, width: int, height: int, color: object) -> str:
    Image.new(mode, (width, height), color).save(path)  # type: ignore[arg-type]
    return str(path)


def refused(source: str, shape: tuple[int, ...]) -> str:
    with pytest.raises(UsageError) as caught:
        read_example(source, shape)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ((4, 5, 3), (4, 5, 3)),
        ((1, 4, 5, 3), (4, 5, 3)),
        ((4, 15), (4, 5, 3)),
        ((4, 5), (4, 5, 1)),
        ((6,), (6,)),
        ((1, 6), (6,)),
        ((6, 1), (6, 1)),
        ((6,), (6, 1)),
    ],
)
def test_an_array_that_fits(given: tuple[int, ...], shape: tuple[int, ...], tmp_path: Path) -> None:
    values = np.arange(np.prod(given), dtype="float64").reshape(given)
    found = read_example(saved(tmp_path / "a.npy", values), shape)
    assert found.array.shape == shape
    assert found.array.dtype == np.float32
    assert np.array_equal(found.array.ravel(), values.ravel())
    assert (found.name, found.story) == ("a.npy", "numbers as they are")


def test_bytes_are_scaled_as_in_training(tmp_path: Path) -> None:
    found = read_example(saved(tmp_path / "a.npy", np.array([0, 51, 255], np.uint8)), (3,))
    assert found.array.tolist() == pytest.approx([0, 0.2, 1])
    assert found.story == "bytes scaled to 0–1"


def test_an_array_that_does_not_fit(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.zeros((5, 4, 3)))
    assert refused(path, (4, 5, 3)) == f"{path} has the shape 5x4x3, the network's input is 4x5x3"


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([print], dtype=object), allow_pickle=True)
    said = refused(str(path), (1,))
    assert "is no array of NumPy" in said
    assert "Python objects in dtype" in said
    path.write_bytes(pickle.dumps([1, 2]))  # no header of NumPy's at all
    assert "is no array of NumPy" in refused(str(path), (2,))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([1, np.nan]), "holds values that are not finite"),
        (np.array([1j, 2]), "holds complex128: an input is made of real numbers"),
        (np.array(["a", "b"]), "holds <U1: an input is made of real numbers"),
    ],
)
def test_what_is_no_input(values: np.ndarray, said: str, tmp_path: Path) -> None:
    assert said in refused(saved(tmp_path / "a.npy", values), (2,))


def test_a_table(tmp_path: Path) -> None:
    found = read_example(table(tmp_path / "a.csv", "1,2\n3;-4.5\n\n"), (2, 2, 1))
    assert found.array[..., 0].tolist() == [[1, 2], [3, -4.5]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2\n3\n", "has rows of 1 and 2 numbers: all rows of a table are alike"),
        ("", "has no numbers"),
        ("a,b\n", "is no table of numbers"),
        ("1,2,3\n", "has the shape 1x3, the network's input is 2x2x1"),
    ],
)
def test_a_table_that_is_refused(text: str, said: str, tmp_path: Path) -> None:
    assert said in refused(table(tmp_path / "a.csv", text), (2, 2, 1))


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", {".csv": 3})
    path = table(tmp_path / "a.csv", "1,2,3")
    assert refused(path, (3,)) == f"{path} has 5 bytes: at most 3 are read"
    monkeypatch.setattr(module, "_MAX_PIXELS", 10)
    path = image(tmp_path / "a.png", "L", 4, 3, 0)
    assert refused(path, (3, 4, 1)) == f"{path} has 4x3 pixels: at most 10 are read"


def test_an_image_is_cut_and_resized(tmp_path: Path) -> None:
    picture = Image.new("RGB", (8, 4), "red")
    picture.paste((255, 255, 255), (2, 0, 6, 4))  # a white square in the middle
    picture.save(tmp_path / "a.png")
    found = read_example(str(tmp_path / "a.png"), (2, 2, 3))
    assert np.array_equal(found.array, np.ones((2, 2, 3)))
    assert found.story == (
        "8 wide and 4 high, cut to 4 by 4 in the middle, in colour, resized to 2 by 2, "
        "scaled to 0–1"
    )


def test_an_image_becomes_grey(tmp_path: Path) -> None:
    found = read_example(image(tmp_path / "a.png", "RGB", 3, 2, (255, 0, 0)), (2, 3, 1))
    assert found.array == pytest.approx(np.full((2, 3, 1), 76 / 255), abs=1e-6)  # 0.299 of red
    assert "grey" in found.story


def test_an_image_for_an_input_that_is_none(tmp_path: Path) -> None:
    path = image(tmp_path / "a.png", "L", 4, 3, 0)
    for shape in ((12,), (3, 4, 2), (12, 1)):
        assert "an image fits an input of two spatial axes and 1 or 3 channels" in refused(
            path, shape
        )


def test_what_is_no_image(tmp_path: Path) -> None:
    path = table(tmp_path / "a.png", "no image")
    assert "is no image, and no .npy or .csv file that can be read" in refused(path, (2, 2, 1))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refused("none.png", (2, 2, 1)) == (
        "none.png is not there: name an image, a .npy or a .csv file, or one of the photographs "
        "china.jpg and flower.jpg"
    )
    assert f"{tmp_path} is a folder, not one input" in refused(str(tmp_path), (2, 2, 1))


def test_a_photograph_of_scikit_learn() -> None:
    found = read_example("china.jpg", (427, 640, 1))
    assert found.story == "640 wide and 427 high, grey, scaled to 0–1"
    assert 0.3 < found.array.mean() < 0.7
