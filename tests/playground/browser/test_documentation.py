"""The site of the documentation in headless Chromium; without Sphinx all is skipped."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnkit.playground import vendor
from cnnkit.playground.server import server_of
from tests.playground.asking import lecture
from tests.playground.browser.playground import PATIENCE, Playground

ROOT = Path(__file__).parents[3]
PAGES = [
    "index.html",
    "getting-started.html",
    "lecture/slides.html",
    "fr/ten-commands.html",
    "how-to/rare-disease.html",
    "reference/commands.html",
    "reference/commands/analyze.html",
    "reference/kinds/index.html",
    "reference/kinds/conv.html",
    "reference/python.html",
    "reference/rules/index.html",
    "search.html",
    "zoo/resnet-50.html",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the site is served, with the playground."""
    pytest.importorskip("sphinx")
    if not (vendor.VENDOR / "bytecode.json").is_file():
        pytest.skip("`python -m cnnkit.playground.vendor` has not been run")
    folder = tmp_path_factory.mktemp("documentation")
    subprocess.run([sys.executable, ROOT / "docs" / "build.py", folder], cwd=ROOT, check=True)
    with server_of(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_for_all(chromium: Any, home: str, axe: Path, scheme: str) -> None:
    """No rule of accessibility is broken, nothing is asked of others, nothing goes wrong."""
    window = Playground(chromium.new_context(color_scheme=scheme).new_page(), home)
    for name in PAGES:
        window.page.goto(home + name)
        window.page.evaluate(axe.read_text("utf-8"))
        found = window.page.evaluate("axe.run()")["violations"]
        assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
    assert window.complaints == []
    assert window.elsewhere == []
    window.close()


def test_pages_fit_a_phone(chromium: Any, home: str) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740})
    window = Playground(context.new_page(), home)
    for name in PAGES:
        window.page.goto(home + name)
        assert window.page.evaluate("document.documentElement.scrollWidth") <= 360, name
    window.close()


def test_a_playground_stands_inside_a_page(chromium: Any, home: str) -> None:
    """It is loaded once it is opened, with the spec that it names; the page says its language."""
    window = Playground(chromium.new_context(locale="fr-FR").new_page(), home)
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.page.goto(home + "fr/ten-commands.html")
    assert window.page.evaluate("document.documentElement.lang") == "fr"
    assert [url for url in asked if "/playground/" in url] == []
    window.page.locator("details.playground summary").first.click()
    inside = window.page.frame_locator("details.playground iframe").first
    inside.locator("body[data-shown]").wait_for(timeout=PATIENCE)
    assert lecture("edge-filter").splitlines()[4] in inside.locator(".cm-content").inner_text()
    assert window.complaints == []
    assert window.elsewhere == []
    window.close()
