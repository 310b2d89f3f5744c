"""The page of a run in headless Chromium: what a reader reads, presses and drags."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jax")
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.summary import Diagnosis, Summary
from cnnkit.training.store.wrong import Wrong
from cnnkit.training.view.filters import FilterPicture
from cnnkit.training.view.gallery import WrongPicture
from cnnkit.training.view.page import RunFiles, render

HOSTILE = "<script>alert(1)</script>"
WIDE = {"width": 1280, "height": 900}


def picture() -> bytes:
    image = pytest.importorskip("PIL.Image")
    stream = BytesIO()
    image.new("L", (8, 8), 90).save(stream, "PNG")
    return stream.getvalue()


def run() -> RunFiles:
    """A run of ten epochs, with a hostile class, and thirty wrong answers."""
    classes = ["cat", "dog", HOSTILE]
    rows = [
        {"name": name, "precision": part, "recall": part, "f1": part, "support": 100}
        for name, part in zip(classes, (0.75, 0.4, 1.0), strict=True)
    ]
    held = {
        "examples": 300, "accuracy": 0.9, "loss": 0.5, "confusion": [[70, 28, 2], [0, 100, 0],
        [0, 0, 100]], "classes": rows, "precision": 0.9, "recall": 0.9, "macro_f1": 0.9,
        "calibration_error": 0.1,
        "reliability": [{"low": 0.5, "examples": 7, "confidence": 0.6, "accuracy": 0.8}],
    }  # fmt: skip
    history = [
        RunEpoch(n, {"loss": 2 / n, "accuracy": 1 - 1 / n}, {"loss": 1 / n, "accuracy": 1 - 1 / n},
                 learning_rate=0.1 / n)
        for n in range(1, 11)
    ]  # fmt: skip
    shown = picture()
    wrong = [
        WrongPicture(
            Wrong("validation", str(n), "cat", "dog" if n < 28 else HOSTILE, 0.9),
            shown,
            "image/png",
        )
        for n in range(30)
    ]
    return RunFiles(
        name=HOSTILE,
        spec="name: net\n" + "# long\n" * 30,
        environment=Environment({"cnnkit": "1"}, command=("cnnkit", "train", HOSTILE)),
        history=history,
        summary=Summary(
            data="animals",
            validation=held,
            best_epoch=10,
            monitor="loss",
            diagnosis=Diagnosis("over-fitted", "the loss rose", ("stop: `epochs: 5`",), 5),
        ),
        wrong=wrong,
        filters=FilterPicture(shown, "the 2 filters of `a`", 8),
    )


class Reader:
    """A window with the page, and what went wrong in it."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.page = browser.new_context(**{"viewport": WIDE, **context}).new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(path.as_uri())

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("data:", "file:")):
            self.complaints.append(request.url)

    def close(self) -> None:
        self.page.context.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(run()), "utf-8")
    return path


@pytest.fixture
def reader(chromium: Any, path: Path) -> Iterator[Reader]:
    opened = Reader(chromium, path)
    yield opened
    assert opened.complaints == []
    opened.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_and_nothing_overflows(
    chromium: Any, path: Path, axe: Path, theme: str, width: int
) -> None:
    opened = Reader(chromium, path, color_scheme=theme, viewport={"width": width, "height": 740})
    for details in opened.page.locator("details").all():
        details.evaluate("node => node.open = true")
    opened.page.add_script_tag(path=axe)
    found = opened.page.evaluate("async () => (await axe.run(document)).violations")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.complaints == []
    opened.close()


def test_the_pointer_tells_the_values_and_keys_do_too(reader: Reader) -> None:
    chart = reader.page.locator(".chart").first
    box = chart.locator(".plot").bounding_box()
    # The epochs are 1 to 10: the fifth is four ninths of the way.
    reader.page.mouse.move(box["x"] + box["width"] * 4 / 9 + 3, box["y"] + 40)
    assert chart.locator(".readout p").all_inner_texts() == [
        "epoch 5", "training: 0.4", "validation: 0.2",
    ]  # fmt: skip
    chart.locator(".plot").focus()
    reader.page.keyboard.press("End")
    assert chart.locator(".readout").inner_text().startswith("epoch 10")
    reader.page.keyboard.press("ArrowLeft")
    assert chart.locator(".readout").inner_text().startswith("epoch 9")


def test_a_part_of_a_chart_is_zoomed_to_and_left_again(reader: Reader) -> None:
    chart = reader.page.locator(".chart").first
    ticks = chart.locator(".tick.across")
    before = ticks.all_inner_texts()
    box = chart.locator(".plot").bounding_box()
    middle = box["y"] + box["height"] / 2
    reader.page.mouse.move(box["x"] + box["width"] * 5 / 9 - 2, middle)
    reader.page.mouse.down()
    reader.page.mouse.move(box["x"] + box["width"] + 5, middle)
    reader.page.mouse.up()
    assert sorted(map(float, ticks.all_inner_texts())) == [6, 7, 8, 9, 10]
    # From epoch 6 on the values are 2/6 at most and 1/10 at least.
    up = sorted(float(each) for each in chart.locator(".tick.up").all_inner_texts())
    assert (up[0], up[-1]) == (0.1, 0.3)
    chart.locator(".unzoom").click()
    assert sorted(ticks.all_inner_texts(), key=float) == before


def test_a_line_is_switched_off_and_the_values_follow(reader: Reader) -> None:
    chart = reader.page.locator(".chart").first
    switch = chart.locator(".legend button", has_text="training")
    switch.click()
    assert switch.get_attribute("aria-pressed") == "false"
    assert not chart.locator("path.line").first.is_visible()
    assert max(float(each) for each in chart.locator(".tick.up").all_inner_texts()) == 1
    switch.click()
    assert chart.locator("path.line").first.is_visible()


def test_a_cell_opens_the_images_behind_it(reader: Reader) -> None:
    shown = reader.page.locator(".gallery li:visible")
    assert shown.count() == 24
    reader.page.locator(".confusion button", has_text="2").nth(1).click()
    assert shown.count() == 2
    assert "called <script>alert(1)</script>: 2 of 100, 2.00 %" in reader.page.inner_text("main")
    reader.page.locator("button.more").click()
    assert shown.count() == 30


def test_rows_are_sorted_by_a_column(reader: Reader) -> None:
    table = reader.page.locator("table.sortable").first
    first = table.locator("tbody td:first-child")
    table.locator("th button", has_text="recall").click()
    assert first.all_inner_texts() == ["dog", "cat", HOSTILE]
    table.locator("th button", has_text="recall").click()
    assert first.all_inner_texts() == [HOSTILE, "cat", "dog"]
    assert table.locator("th", has_text="recall").get_attribute("aria-sort") == "descending"
