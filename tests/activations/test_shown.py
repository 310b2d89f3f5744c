"""What is shown of a network at work: the lecture's numbers, tables, and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit
from cnnkit.activations.example import Example
from cnnkit.activations.maps import LayerMaps, chosen
from cnnkit.activations.pictures import MOST, write_pictures
from cnnkit.activations.tables import lines
from cnnkit.activations.work import work
from cnnkit.errors import UsageError

LECTURES = Path(__file__).parents[2] / "specs" / "lectures"
EDGE = "7,2,3,3,8\n4,5,3,8,4\n3,3,2,8,4\n2,8,7,2,7\n5,4,4,5,4\n"


def test_the_textbook_convolution(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(EDGE)
    done = work(cnnkit.load(LECTURES / "edge-filter.yaml"), str(tmp_path / "a.csv"), [])
    assert done.weights == "all weights are from the spec"
    assert list(lines(done.example, done.layers)) == [
        "input  5x5x1  a.csv: numbers as they are",
        "  map",
        "  7 2 3 3 8",
        "  4 5 3 8 4",
        "  3 3 2 8 4",
        "  2 8 7 2 7",
        "  5 4 4 5 4",
        "",
        "layers.0  conv  5x5x1 → 3x3x1",
        "  from −9 to 6, mean −2.667, 11 % zeros",
        "  filter",
        "   1  0 −1",
        "   1  0 −1",
        "   1  0 −1",
        "  map",
        "   6 −9 −8",
        "  −3 −2 −3",
        "  −3  0 −2",
    ]


def test_vertical_and_horizontal_lines_are_found(tmp_path: Path) -> None:
    image = np.zeros((427, 640), np.uint8)
    image[:, 100] = 255  # a vertical line
    image[200, :] = 255  # a horizontal one
    Image.fromarray(image).save(tmp_path / "lines.png")
    done = work(cnnkit.load(LECTURES / "edges.yaml"), str(tmp_path / "lines.png"), ["layers.1"])
    (relu,) = done.layers
    vertical, horizontal = np.moveaxis(relu.maps, -1, 0)
    assert vertical[50, 99:102].tolist() == pytest.approx([0, 6, 0])
    assert horizontal[199:202, 300].tolist() == pytest.approx([0, 6, 0])
    assert vertical[199:202, 300].tolist() == [0, 0, 0]
    assert horizontal[50, 99:102].tolist() == [0, 0, 0]


def test_where_the_weights_are_from() -> None:
    text = "input: 2\nlayers: [{dense: {units: 1, weights: [[1], [2]]}}, {dense: {units: 1}}]"
    spec = cnnkit.load(text)
    story = work_on(spec, np.array([1.0, 1.0]))
    assert story == ("the weights of 1 of 2 layers are from the spec, the others random, of seed 3")
    assert work_on(cnnkit.load("input: 2\nlayers: [relu]"), np.ones(2)) == (
        "no layer has connection weights"
    )
    assert work_on(cnnkit.load("input: 2\nlayers: [{dense: {units: 1}}]"), np.ones(2)) == (
        "the weights are random, of seed 3: the network is not trained"
    )


def work_on(spec: cnnkit.Spec, values: np.ndarray) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, values)
        file.flush()
        return work(spec, file.name, [], seed=3).weights


def example(*shape: int) -> Example:
    values = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    return Example("a", values, "made")


def maps(*shape: int, path: str = "layers.0") -> LayerMaps:
    values = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    return LayerMaps(path, "conv", (1,), values)


def test_tables_stand_side_by_side_in_the_width() -> None:
    narrow = list(lines(example(2, 2, 1), [maps(2, 2, 3)], 36))
    assert narrow[-7:] == [
        "  map 0            map 1",
        "  −1.000 −0.455    −0.818 −0.273",
        "   0.091  0.636     0.273  0.818",
        "",
        "  map 2",
        "  −0.636 −0.091",
        "   0.455  1.000",
    ]
    wide = list(lines(example(2, 2, 1), [maps(2, 2, 3)], 100))
    assert wide[-3] == "  map 0            map 1            map 2"


def test_more_maps_than_fit_are_counted() -> None:
    shown = "\n".join(lines(example(3), [maps(2, 2, 20), maps(90)]))
    assert "and 12 more maps" in shown
    assert "and 58 more" in shown


def test_large_maps_are_summed_up() -> None:
    layer = LayerMaps("layers.0", "relu", (17, 3, 1), np.full((17, 3, 1), 0.5, np.float32))
    assert list(lines(example(40, 40, 1), [layer])) == [
        "input  40x40x1  a: made",
        "",
        "layers.0  relu  17x3x1 → 17x3x1",
        "  from 0.5 to 0.5, mean 0.5",
    ]


def test_layers_are_chosen_by_path() -> None:
    layers = [maps(1, path=path) for path in ("layers.1", "layers.10", "layers.1.activation")]
    assert [each.path for each in chosen(layers, ["layers.1"])] == [
        "layers.1",
        "layers.1.activation",
    ]
    assert chosen(layers, []) == layers
    with pytest.raises(
        UsageError, match=r"no layer has the path layer\.10; did you mean layers\.10"
    ):
        chosen(layers, ["layer.10"])


FILTERS = np.linspace(-1, 1, 54, dtype=np.float32).reshape(3, 3, 2, 3)


@pytest.mark.parametrize(
    "layer",
    [
        maps(20, 30, 5),
        maps(6, 5, MOST + 6),
        maps(40, 3),
        maps(12),
        maps(300),
        maps(4, 5, 6, 2),
        LayerMaps("layers.0", "conv", (5, 5, 2), np.zeros((3, 3, 3), np.float32), FILTERS),
        LayerMaps("layers.0", "conv", (5, 2), np.ones((3, 3), np.float32), FILTERS[0]),
        LayerMaps("layers.0", "conv", (5, 5, 2), np.ones((5, 5, 3), np.float32), FILTERS[:1, :1]),
    ],
)
def test_every_shape_has_a_picture(layer: LayerMaps, tmp_path: Path) -> None:
    paths = write_pictures(example(6, 5, 3), [layer], tmp_path / "pictures")
    assert len(paths) == (3 if layer.filters is not None else 2)
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 100
            assert max(picture.size) < 5000


def test_the_names_of_pictures(tmp_path: Path) -> None:
    layer = LayerMaps("layers.a/../b[1]", "conv", (5,), np.ones((2, 2, 1), np.float32), FILTERS)
    paths = write_pictures(example(6, 5, 1), [layer], tmp_path)
    assert [path.name for path in paths] == [
        "000-input.png",
        "001-layers.a_.._b_1_-conv.png",
        "001-layers.a_.._b_1_-filters.png",
    ]
    assert {path.parent for path in paths} == {tmp_path}


def test_pictures_are_not_written_over(tmp_path: Path) -> None:
    write_pictures(example(2, 2, 1), [], tmp_path)
    with pytest.raises(UsageError, match=r"000-input.png is there already; --force writes over it"):
        write_pictures(example(2, 2, 1), [], tmp_path)
    assert write_pictures(example(2, 2, 1), [], tmp_path, force=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write to"):
        write_pictures(example(2, 2, 1), [], tmp_path / "file" / "folder")
