from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cnnkit import report
from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding, UsageError
from cnnkit.spec.reading import load, read

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml"))
SVG = "{http://www.w3.org/2000/svg}"


def picture_of(*results: Analysis | Unreadable) -> ElementTree.Element:
    return ElementTree.fromstring(report.render(results, "svg"))  # noqa: S314 - our own text


def outlines(root: ElementTree.Element) -> list[list[tuple[int, int]]]:
    """The corners of all faces of the maps, the front of each first."""
    paths = [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.get("class") == "stack"]
    return [
        [(int(x), int(y)) for x, y in (point.split() for point in face.split("L"))]
        for path in paths
        for face in path.strip("Mz").split("zM")
    ]


def maps_of(text: str | dict[str, Any], **options: Any) -> dict[str, dict[str, tuple[int, int]]]:
    """Of each map, by its name: the ``place`` of its front, and the ``size`` of that."""
    root = ElementTree.fromstring(report.render([analyze(load(text))], "svg", **options))  # noqa: S314
    found = {}
    for group in root.iter(f"{SVG}g"):
        words = [each.text or "" for each in group.iter(f"{SVG}text")]
        if words:
            (x, y), (right, _), (_, bottom), _ = outlines(group)[0]
            found[words[0]] = {"place": (x, y), "size": (right - x, bottom - y)}
    return found


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
    for x, y in (point for corners in outlines(root) for point in corners):
        assert 0 <= x <= width
        assert 0 <= y <= height
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
        "layers.0: conv 7x7, 32x32x3 → 26x26x3, 2,028 neurons, 441 parameters, 298,116 MACs\n"
        "line 6\n"
        "8.6 % of the parameters, 35.2 % of the MACs\n"  # 441/5,100 and 298,116/847,680
        "height and width: (D−F)/S+1 = (32−7)/1+1 = 26\n"
        "parameters: filters×F×F×channels = 3×7×7×3 = 441\n"
        "MACs: height×width×filters×F×F×channels = 26×26×3×7×7×3 = 298,116"
    ) in titles
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
    assert sum(path.get("class") == "stack" for path in root.iter(f"{SVG}path")) == 60


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


BRANCHES = """\
input: 8x8x4
layers:
  - residual:
      layers:
        - {name: first, conv: {filters: 4, kernel: 3, padding: same}}
        - relu
        - {name: second, conv: {filters: 4, kernel: 3, padding: same}}
  - parallel:
      branches:
        narrow: [{conv: {filters: 4, kernel: 1}}]
        wide: [{conv: {filters: 4, kernel: 3, padding: same}}]
"""


def test_branches_are_side_by_side() -> None:
    maps = maps_of(BRANCHES)
    assert [*maps] == ["input", "first", "second", "layers.0", "narrow.0", "wide.0", "layers.1"]
    place = {name: found["place"] for name, found in maps.items()}
    assert place["first"][1] == place["second"][1] < place["layers.0"][1]  # above the identity
    assert place["narrow.0"][0] == place["wide.0"][0]
    middle = (place["narrow.0"][1] + place["wide.0"][1]) / 2
    assert middle == pytest.approx(place["layers.1"][1], abs=4)
    across = [place[name][0] for name in ("first", "second", "layers.0", "narrow.0", "layers.1")]
    assert across == sorted(across)


def test_a_branch_without_layers_is_a_line_round_the_others() -> None:
    root = picture_of(analyze(load(BRANCHES)))
    lines = [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.get("class") == "arrow"]
    lowest = max(int(line[1:].split("L")[0].split()[1]) for line in lines)
    words = {each.text: int(each.attrib["y"]) for each in root.iter(f"{SVG}text")}
    assert words["second"] < lowest


def test_a_branch_that_is_wider_than_the_page_is_one_box() -> None:
    layers = [{"conv": {"filters": 4, "kernel": 1}}] * 40
    maps = maps_of({"input": "8x8x4", "layers": [{"residual": {"layers": layers}}]})
    assert [*maps] == ["input", "layers.0"]


def test_to_scale_sides_are_in_proportion() -> None:
    text = "input: 64x32x3\nlayers: [{max_pool: {size: 2}}, {max_pool: {size: 4}}, flatten]"
    sizes = {name: found["size"] for name, found in maps_of(text, to_scale=True).items()}
    assert sizes == {
        "input": (66, 132),
        "layers.0": (33, 66),
        "layers.1": (8, 16),  # an eighth, of 66 and 132
        "layers.2": (14, 132),
    }
    assert maps_of(text)["layers.0"]["size"] == (12 + 52, 12 + 65)  # 13 a power of two


def test_only_a_drawing_is_drawn_to_scale(flagship: Analysis) -> None:
    with pytest.raises(UsageError) as caught:
        report.render([flagship], "csv", to_scale=True)
    assert str(caught.value) == (
        "`--to-scale` is for the formats html, svg, pdf, tikz, not for `csv`"
    )
