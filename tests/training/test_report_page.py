"""The page of a run: whole, self-contained, and safe whatever a name holds."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np

from cnnkit.training.compute.metrics import summarize
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.summary import Diagnosis, Summary
from cnnkit.training.view.page import RunFiles, render

VOID = {"meta", "img", "br"}


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
        pictures={"curves.png": b"\x89PNG", "confusion.png": b"\x89PNG"},
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
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = render(run())
    assert not re.search(r"(?:src|href)=[\"'](?!data:)|@import|url\(", page)
    assert "<script" not in page


def test_names_are_shown_as_text() -> None:
    text, _ = checked(render(run("<script>alert(1)</script>")))
    assert "<script>alert(1)</script>" in text
    assert "<script" not in render(run("<script>alert(1)</script>"))


def test_a_weak_class_stands_out() -> None:
    assert '<td class="weak">0.0000</td>' in render(run())


def test_a_run_that_is_not_finished_has_a_page_too() -> None:
    text, sources = checked(render(RunFiles("net", "", Environment(), [], Summary())))
    assert "0 epochs" in text
    assert sources == []


def test_a_regression_has_its_errors() -> None:
    summary = Summary(test={"examples": 5, "loss": 0.25, "mean_squared_error": 0.25})
    text, _ = checked(render(RunFiles("net", "", Environment(), [], summary)))
    assert "test mean squared error 0.25" in text
