"""Pages of other things than a run in headless Chromium: nothing for axe-core, nothing too wide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("optuna")
import cnnkit
from cnnkit import exercises, report
from cnnkit.activations import page as activations
from cnnkit.activations.example import Example
from cnnkit.activations.maps import LayerMaps
from cnnkit.exercises.sheets import render
from cnnkit.pages import page as pages
from cnnkit.selection.comparison.pairs import Entry, compare
from cnnkit.selection.search.results import Results, TrialLook
from cnnkit.selection.view.averages import cross_validation
from cnnkit.selection.view.follow import FollowedRuns
from cnnkit.selection.view.page import page as search_page
from cnnkit.selection.view.paired import paired_page
from cnnkit.serving.interface import document, interface_page
from cnnkit.serving.limits import Limits
from cnnkit.spec.model.search import SearchSettings
from cnnkit.training.view.overlay import overlay
from tests.pages.browser.test_run_page import HOSTILE, Reader
from tests.selection.test_notebook import folded, trial
from tests.training.test_overlay import begun

ZOO = Path(__file__).parents[3] / "specs" / "zoo"


def analysis(folder: Path) -> str:
    return report.render(
        [cnnkit.analyze(cnnkit.load(ZOO / "resnet-18.yaml"))], "html", explain=True
    )


def sheet(folder: Path) -> str:
    return render(exercises.sheet(count=4, seed=7, level=3), "html", answers=True).decode()


def runs(folder: Path) -> str:
    return overlay([begun(folder / name, {"epochs": n}, [1.0, 0.5]) for n, name in enumerate("ab")])


def maps(folder: Path) -> str:
    layer = LayerMaps("a", "conv", (4, 4, 1), np.ones((4, 4, 70), np.float32))
    vector = LayerMaps(HOSTILE, "dense", (9,), np.arange(9, dtype=np.float32))
    return activations.page(Example("x", np.ones((4, 4, 1), np.float32), ""), [layer, vector], "")


def folds(folder: Path) -> str:
    found = folded((0.8, 0.9), [[4, 1], [2, 3]])
    return pages.write(
        "folds", **vars(cross_validation(found)), spec="name: net\n" + "# long\n" * 30
    )


def compared(folder: Path) -> str:
    entries = [
        Entry(name, "folds", {0: low, 1: low + 0.01, 2: low + 0.03}, 0.5, "k", ())
        for name, low in ((HOSTILE, 0.8), ("b", 0.9), ("c", 0.7))
    ]
    return paired_page(entries, compare(entries, "accuracy"), "accuracy")


def search(folder: Path) -> str:
    rows = [trial(n, {"accuracy": n / 100, "macs": 100.0 + n}) for n in range(1, 12)]
    lost = replace(rows[0], number=12, state="rejected", reason=HOSTILE, values={})
    looks = tuple(TrialLook(n, 11, "2026-01-02T03:04:05", {"accuracy": 0.5}) for n in (1, 2))
    settings = SearchSettings(method="random", trials=12, objectives=["accuracy", "macs"])
    path = "variables.width"
    found = Results("net", HOSTILE, settings, (*rows, lost), looks, (path,), 12, {path: 1.0})
    return search_page(found)


def followed(folder: Path) -> str:
    begun(folder / "net", {"epochs": 2}, [1.0, 0.5])
    return FollowedRuns([folder]).page("/") or ""


def message(folder: Path) -> str:
    return pages.write("message", title="No such run", told=HOSTILE, back=True)


def interface(folder: Path) -> str:
    served: Any = SimpleNamespace(spec=cnnkit.load("input: 8x8x1\nlayers: [flatten]"))
    return interface_page(document(served, HOSTILE, Limits()))


@pytest.mark.parametrize(
    "made",
    [analysis, sheet, runs, maps, folds, compared, search, followed, message, interface],
)
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_and_nothing_overflows(
    chromium: Any, axe: Path, tmp_path: Path, made: Callable[[Path], str], theme: str, width: int
) -> None:
    path = tmp_path / "page.html"
    path.write_text(made(tmp_path), "utf-8")
    opened = Reader(chromium, path, color_scheme=theme, viewport={"width": width, "height": 740})
    opened.page.add_script_tag(path=axe)
    found = opened.page.evaluate("async () => (await axe.run(document)).violations")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.complaints == []
    opened.close()
