from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cnnkit import report
from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding
from cnnkit.spec.reading import load, read

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml"))
SVG = "{http://www.w3.org/2000/svg}"


def picture_of(*results: Analysis | Unreadable) -> ElementTree.Element:
    return ElementTree.fromstring(report.render(results, "svg"))  # noqa: S314 - our own text


@pytest.mark.parametrize("network", ["flagship", "nested"])
def test_golden(
    network: str, golden: Callable[[str, str], None], request: pytest.FixtureRequest
) -> None:
    analysis: Analysis = request.getfixturevalue(network)
    golden(f"report/{network}.svg", report.render([analysis], "svg"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_everything_is_on_the_page(path: Path) -> None:
    spec = read(path).spec
    assert spec is not None
    root = picture_of(analyze(spec))
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    assert width <= 1200
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class") == "page":
            continue
        x, y = int(rect.attrib["x"]), int(rect.attrib["y"])
        assert x >= 0
        assert y >= 0
        assert x + int(rect.attrib["width"]) <= width
        assert y + int(rect.attrib["height"]) <= height
    for text in root.iter(f"{SVG}text"):
        assert 0 < int(text.attrib["y"]) < height


def test_words(flagship: Analysis) -> None:
    words = [text.text for text in picture_of(flagship).iter(f"{SVG}text")]
    assert words[:2] == [
        "rgb-valid-4-classes",
        "32x32x3 → 4 · 3,908 neurons · 5,100 parameters · 847,680 MACs",
    ]
    assert words[4:8] == ["layers.0", "conv 7x7", "26x26x3", "441 parameters"]


def test_titles_hold_all_figures(flagship: Analysis) -> None:
    titles = [title.text or "" for title in picture_of(flagship).iter(f"{SVG}title")]
    assert (
        "layers.0: conv 7x7, 32x32x3 → 26x26x3, 2,028 neurons, 441 parameters, 298,116 MACs"
        in titles
    )
    groups = picture_of(flagship).iter(f"{SVG}g")
    assert all(group[0].tag == f"{SVG}title" for group in groups)


def test_layers_in_place_are_named_below_their_map(nested: Analysis) -> None:
    words = [text.text for text in picture_of(nested).iter(f"{SVG}text")]
    assert "† head, 330 parameters" in words
    assert "dense + softmax" in words


def test_window_and_stride() -> None:
    analysis = analyze(
        load("input: 9x9x1\nlayers: [{conv: {filters: 2, kernel: 3, stride: 2, activation: relu}}]")
    )
    assert "conv 3x3 /2 + relu" in [text.text for text in picture_of(analysis).iter(f"{SVG}text")]


def test_unknown_and_unreadable(unknown: Analysis) -> None:
    lost = Unreadable("gone.yaml", (Finding("unreadable", "error", "it is empty"),))
    root = picture_of(unknown, lost)
    assert sum(group.get("class") == "unknown" for group in root.iter(f"{SVG}g")) == 2
    assert "cannot be read: 1 finding" in [text.text for text in root.iter(f"{SVG}text")]


def test_long_net_leaves_out_its_middle() -> None:
    layers = [{"conv": {"filters": 4, "kernel": 1}}] * 500
    root = picture_of(analyze(load({"input": "8x8x4", "layers": layers})))
    assert "441 more" in [text.text for text in root.iter(f"{SVG}text")]
    assert len(list(root.iter(f"{SVG}rect"))) < 400


def test_names_are_escaped_and_nothing_comes_from_outside(hostile: Analysis) -> None:
    text = report.render([hostile], "svg")
    ElementTree.fromstring(text)  # noqa: S314
    assert "<script>" not in text
    assert not re.search(r"(href|src|url\(|@import)", text)


def test_blocks_are_opened_down_to_the_depth_and_copies_that_are_alike_stay_one_box() -> None:
    analysis = analyze(load(Path(__file__).parents[2] / "specs" / "zoo" / "resnet-20-cifar.yaml"))
    closed = report.render([analysis], "svg")
    opened = report.render([analysis], "svg", depth=3)
    assert "stage1.stage.layers.0.unit.layers.0" not in closed
    assert "stage1.stage.layers.0.unit.layers.0" in opened
    assert "repeat ×2" in opened
