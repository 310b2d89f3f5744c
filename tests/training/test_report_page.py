"""The page of a run: whole, self-contained, and safe whatever a name holds."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from cnnkit.spec.model.training import Train
from cnnkit.training.compute.metrics import summarize
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.summary import Diagnosis, Summary
from cnnkit.training.store.wrong import Wrong
from cnnkit.training.view.baseline import smoothing_floor
from cnnkit.training.view.gallery import WrongPicture
from cnnkit.training.view.page import RunFiles, render

VOID = {"meta", "img", "br"}
PIECES = files("cnnkit.pages")


class Checker(HTMLParser):
    """Holds the tags of a page to their order, and collects texts and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def checked(page: str) -> tuple[str, list[str]]:
    """The text of a page whose tags are in order, and its addresses."""
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return " ".join(" ".join(checker.texts).split()), checker.sources


def run(name: str = "net") -> RunFiles:
    test = summarize(np.array([[90, 0], [10, 0]])).to_dict()
    test["classes"] = [
        {"name": label, **row} for label, row in zip(("no", name), test["classes"], strict=True)
    ]
    figures = {"loss": 0.5, "accuracy": 0.9}
    diagnosis = Diagnosis("over-fitted", "the loss rose", ("stop: `epochs: 5`",), 5)
    return RunFiles(
        name=name,
        spec=f"name: {name}\ninput: 8x8x1\n",
        environment=Environment(
            {"cnnkit": "1"}, devices=("cpu",), command=("cnnkit", "train", name)
        ),
        history=[RunEpoch(n, figures, figures, learning_rate=0.1) for n in (1, 2)],
        summary=Summary(
            data="digits",
            test=test,
            best_epoch=2,
            monitor="accuracy",
            seconds=3725.0,
            diagnosis=diagnosis,
        ),
        pictures={"samples.png": b"\x89PNG"},
    )


def test_all_that_a_run_holds_is_on_the_page() -> None:
    text, sources = checked(render(run()))
    for part in (
        "trained on digits · 2 epochs",
        "test accuracy 90.00 % of 100 examples, 95 % interval 82.56 % to 94.48 %",
        "balanced accuracy 50.00 % always the most frequent class: 90.00 % accuracy",
        "best epoch 2 by the validation accuracy",
        "1:02:05",
        "over-fitted The loss rose .".replace(" .", "."),
        "stop: epochs: 5",
        "no 0.9000 1.0000 0.9474 90",
        "name: net input: 8x8x1",
        "cnnkit train net",
    ):
        assert part in text, part
    assert sources == ["data:image/png;base64,iVBORw=="]


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = render(run())
    assert not re.search(r"(?:src|href)=[\"'](?!data:)|@import|url\(|https?:", page)
    script = PIECES.joinpath("script.js").read_text("utf-8")
    assert page.count("<script") == page.count(f"<script>{script}</script>") == 1
    assert not re.search(r"fetch|XMLHttpRequest|WebSocket|import\(|innerHTML|eval", script)


def test_names_are_shown_as_text() -> None:
    text, _ = checked(render(run("<script>alert(1)</script>")))
    assert "<script>alert(1)</script>" in text
    assert render(run("<script>alert(1)</script>")).count("<script") == 1


def test_a_weak_class_stands_out() -> None:
    assert '<td class="weak">0.0000</td>' in render(run())


def test_what_adds_attributions_is_told_until_they_are_there() -> None:
    picture = WrongPicture(Wrong("test", "1", "no", "net", 0.9), b"image", "image/png")
    text, _ = checked(render(replace(run(), wrong=[picture], path="runs/my net")))
    command = "cnnkit report 'runs/my net' --attributions"
    assert f"Which pixels these answers came from is added by {command}" in text
    told = picture._replace(why=(b"reasons", "image/png"))
    text, sources = checked(render(replace(run(), wrong=[told])))
    assert "what each pixel adds to the answer, by integrated gradients" in text
    assert "--attributions" not in text
    assert "data:image/png;base64,cmVhc29ucw==" in sources


def test_a_run_that_is_not_finished_has_a_page_too() -> None:
    text, sources = checked(render(RunFiles("net", "", Environment(), [], Summary())))
    assert "0 epochs" in text
    assert sources == []


def test_a_regression_has_its_errors() -> None:
    summary = Summary(test={"examples": 5, "loss": 0.25, "mean_squared_error": 0.25})
    text, _ = checked(render(RunFiles("net", "", Environment(), [], summary)))
    assert "test mean squared error 0.25" in text


@pytest.mark.parametrize(
    ("loss", "smoothing", "classes", "floor"),
    [
        # Asked for are 0.91 and nine times 0.01: −0.91·ln 0.91 − 0.09·ln 0.01.
        ("categorical_cross_entropy", 0.1, 10, 0.08582 + 0.41447),
        # Asked for are 0.95 and 0.05: −0.95·ln 0.95 − 0.05·ln 0.05.
        ("binary_cross_entropy", 0.1, 7, 0.04873 + 0.14979),
        ("categorical_cross_entropy", 0.0, 10, None),
        ({"focal": {"gamma": 2.0}}, 0.1, 10, None),
    ],
)
def test_label_smoothing_leaves_a_floor_to_the_loss(
    loss: Any, smoothing: float, classes: int, floor: float | None
) -> None:
    recipe = Train.model_validate(
        {"data": "digits", "epochs": 1, "loss": loss, "label_smoothing": smoothing}
    )
    found = smoothing_floor(recipe, classes)
    assert found == (None if floor is None else pytest.approx(floor, abs=2e-5))


def test_the_floor_is_a_line_of_the_chart() -> None:
    recipe = Train.model_validate({"data": "digits", "epochs": 1, "label_smoothing": 0.5})
    text, _ = checked(render(replace(run(), train=recipe)))
    # Of two classes 0.75 and 0.25: −0.75·ln 0.75 − 0.25·ln 0.25.
    assert "0.5623, the least that label smoothing leaves" in text
