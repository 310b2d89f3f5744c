"""Pages of other things than a run in headless Chromium: nothing for axe-core, nothing too wide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit import exercises, report
from cnnkit.activations import page as activations
from cnnkit.activations.example import Example
from cnnkit.activations.maps import LayerMaps
from cnnkit.exercises.sheets import render
from cnnkit.training.view.overlay import overlay
from tests.pages.browser.test_run_page import HOSTILE, Reader
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


@pytest.mark.parametrize("made", [analysis, sheet, runs, maps])
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
