from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from cnnkit import report
from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding
from cnnkit.pages.page import prose
from cnnkit.spec.reading import load

VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """The tags of a page, which must close in the order in which they open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.mark.parametrize("network", ["flagship", "faulty"])
def test_golden(
    network: str, golden: Callable[[str, str], None], request: pytest.FixtureRequest
) -> None:
    analysis: Analysis = request.getfixturevalue(network)
    page = report.render([analysis], "html")
    style = files("cnnkit.pages").joinpath("style.css").read_text("utf-8")
    assert page.count(style) == 1
    golden(f"report/{network}.html", page.replace(style, ""))


@pytest.mark.parametrize("explain", [False, True])
def test_all_specs_on_one_well_formed_page(
    flagship: Analysis,
    faulty: Analysis,
    nested: Analysis,
    unknown: Analysis,
    hostile: Analysis,
    explain: bool,
) -> None:
    lost = Unreadable("gone.yaml", (Finding("unreadable", "error", "it is empty"),))
    results: list[Analysis | Unreadable] = [flagship, faulty, nested, unknown, hostile, lost]
    page = Page(report.render(results, "html", explain=explain))
    assert [tag for tag, _ in page.tags].count("h1") == 6
    assert "gone.yaml cannot be read 1 error" in page.text


def test_numbers(flagship: Analysis) -> None:
    page = Page(report.render([flagship], "html"))
    assert "neurons 3,908 parameters 5,100" in page.text
    assert (
        "layers.0 conv output 26x26x3 neurons 2,028 parameters 441 MACs 298,116 "
        "receptive field 7x7" in page.text
    )


def test_nothing_comes_from_outside(nested: Analysis, hostile: Analysis) -> None:
    text = report.render([nested, hostile], "html")
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "b1")
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("data:", "#"))
        assert not any(name.startswith("on") for name in attributes)
    assert "@import" not in text
    assert "http" not in text.replace("http%3A//www.w3.org/2000/svg", "")


def test_names_are_escaped(hostile: Analysis) -> None:
    text = report.render([hostile], "html")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text


def test_groups_open_down_to_the_depth(nested: Analysis) -> None:
    def opened(depth: int | None) -> int:
        page = Page(report.render([nested], "html", depth=depth))
        return sum(tag == "details" and "open" in attributes for tag, attributes in page.tags)

    assert opened(1) == 0
    assert opened(2) == 5
    assert opened(None) > opened(2)


def test_fault_is_marked_in_its_line(faulty: Analysis) -> None:
    text = report.render([faulty], "html")
    assert re.search(r"kernel: 3, stride: <mark>3</mark>}", text)
    assert '<span class="mark error" title="error">✗</span>' in text


def test_explanation(flagship: Analysis) -> None:
    page = Page(report.render([flagship], "html", explain=True))
    assert "parameters: filters×F×F×channels = 3×7×7×3 = 441" in page.text
    assert "neurons: 2,028 + 1,620 + 256 + 4 = 3,908" in page.text


def test_prose() -> None:
    assert prose("use `a<b` & c") == "use <code>a&lt;b</code> &amp; c"
    assert prose("one ` alone") == "one ` alone"


def test_a_map_of_the_drawing_opens_what_is_inside_it(nested: Analysis) -> None:
    page = Page(report.render([nested, nested], "html"))
    places = [
        attributes["id"]
        for tag, attributes in page.tags
        if tag == "figure" and attributes.get("id")
    ]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert len(places) == len(set(places))
    assert sorted(f"#{place}" for place in places) == sorted(map(str, links))
    # A repeat, the unit in it, another unit, and the head's path end where nothing is inside.
    assert [place for place in places if str(place).startswith("drawing-0-")] == [
        "drawing-0-layers.1",
        "drawing-0-layers.1.unit[0]",
        "drawing-0-layers.2.unit",
        "drawing-0-layers.5",
    ]
    order = [
        attributes.get("id") or tag for tag, attributes in page.tags if tag in ("details", "figure")
    ]
    # A link opens the `details` that it leads into: each place is right inside one.
    assert all(order[order.index(str(place)) - 1] == "details" for place in places)


def test_zooms_are_of_one_drawing_each(nested: Analysis) -> None:
    page = Page(report.render([nested, nested], "html"))
    zooms = [attributes["name"] for tag, attributes in page.tags if tag == "input"]
    assert zooms == ["drawing-0-zoom"] * 4 + ["drawing-1-zoom"] * 4
    assert page.text.count("zoom fit 100 % 150 % 200 %") == 2


def test_branches_that_are_too_long_to_stand_side_by_side_open_once() -> None:
    branch = ", ".join(["{conv: {filters: 2, kernel: 3, padding: same}}"] * 40)
    spec = f"input: 4x4x2\nlayers: [{{residual: {{layers: [{branch}]}}}}]"
    page = report.render([analyze(load(spec))], "html")
    assert page.count('<details class="inside"') == 1


def test_branches_that_have_no_known_shape_open_once() -> None:
    spec = "input: 4x4x2\nlayers: [{residual: {layers: [{conv: {filters: 2, kernel: 9}}]}}]"
    page = report.render([analyze(load(spec))], "html")
    assert page.count('<details class="inside"') == 1
