"""Folders of images and files of arrays that give several inputs by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import load, split
from cnnkit.data.sources import contents, together
from cnnkit.errors import DataError
from cnnkit.spec.model.training import Arrays, Images, SplitSettings

NAMES = ("cat/a", "cat/b", "dog/a", "dog/c")
SHAPES = {"left": (4, 4, 1), "right": (4, 4, 1)}


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    """Two folders of the same names; what is in the second is 100 brighter."""
    for side, more in (("left", 0), ("right", 100)):
        for number, name in enumerate(NAMES):
            path = tmp_path / side / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), 10 * number + more, np.uint8)).save(path)
    return {side: str(tmp_path / side) for side in ("left", "right")}


def test_folders_with_the_same_names_serve_two_inputs(folders: dict[str, str]) -> None:
    dataset = load(Images(images=folders), input_shape=SHAPES, outputs=2)
    inputs, targets = dataset.table().at(np.arange(4))
    assert sorted(inputs) == ["left", "right"]
    np.testing.assert_array_equal(inputs["left"][:, 0, 0, 0], [0, 10, 20, 30])
    np.testing.assert_array_equal(inputs["right"], inputs["left"] + 100)
    np.testing.assert_array_equal(targets, [0, 0, 1, 1])
    assert dataset.classes == ("cat", "dog")
    cut = SplitSettings(validation=0.5, test=0, stratify=False)
    files = together(contents(dataset, split(dataset, cut)))
    sides = [f"{side}/{name}.png" for side in SHAPES for name in NAMES]
    assert sorted(files) == sides
    assert len(set(files.values())) == 8


def test_a_file_without_a_partner_is_told(folders: dict[str, str]) -> None:
    (Path(folders["right"]) / "dog" / "c.png").rename(Path(folders["right"]) / "dog" / "d.png")
    with pytest.raises(DataError) as caught:
        load(Images(images=folders), input_shape=SHAPES, outputs=2)
    of_left, of_right = caught.value.problems
    left, right = folders["left"], folders["right"]
    assert of_left == (
        f"{right} (`right`) has no partner of dog/c.png in {left} (`left`): an example is a file "
        f"of the same name in each"
    )
    assert of_right == (
        f"{left} (`left`) has no partner of dog/d.png in {right} (`right`): an example is a file "
        f"of the same name in each"
    )


def arrays_of(path: Path, **fields: Any) -> Arrays:
    return Arrays(arrays=str(path), **fields)


def test_arrays_of_a_test_set_are_named_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    values: dict[str, Any] = {f"x{n}": np.full((4 + n % 2, 2), n, np.float32) for n in range(4)}
    np.savez(path, **values, y0=np.arange(4) % 2, y1=np.arange(5) % 2)
    source = arrays_of(
        path, inputs={"a": "x0", "b": "x2"}, targets="y0",
        test_inputs={"a": "x1", "b": "x3"}, test_targets="y1",
    )  # fmt: skip
    dataset = load(source, input_shape={"a": (2,), "b": (2,)}, outputs=2)
    inputs, targets = dataset.table(test=True).at(np.arange(5))
    assert [float(inputs[name][0, 0]) for name in ("a", "b")] == [1, 3]
    assert len(targets) == 5
    assert dataset.nbytes == 4 * (4 + 5) * (2 + 2 + 1)


def test_one_name_is_as_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, picture=np.eye(4, dtype=np.float32), kind=np.arange(4) % 2)
    named = load(
        arrays_of(path, inputs={"input": "picture"}, targets={"output": "kind"}),
        input_shape=(4,), outputs=2,
    )  # fmt: skip
    plain = load(arrays_of(path, inputs="picture", targets="kind"), input_shape=(4,), outputs=2)
    assert (named.inputs, named.outputs, named.classes) == ({}, {}, plain.classes)
    np.testing.assert_array_equal(named.train.inputs, plain.train.inputs)
    np.testing.assert_array_equal(named.train.targets, plain.train.targets)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"inputs": {"a": "x0", "b": "x1"}}, "the inputs have names: name its targets too"),
        ({"targets": {"a": "y0", "b": "y1"}}, "the targets have names: name its inputs too"),
        ({"inputs": {"a": "x", "b": "x1"}, "targets": "y0"}, "has no array `x`"),
    ],
)
def test_what_is_not_named_is_told(fields: dict[str, Any], problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    two = np.zeros((4, 2), np.float32)
    np.savez(path, x0=two, x1=two, y0=np.arange(4) % 2, y1=np.arange(4) % 2)
    with pytest.raises(DataError) as caught:
        load(arrays_of(path, **fields))
    assert problem in str(caught.value)
