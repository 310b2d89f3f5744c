"""Chromium and axe-core for pages; without them, or Playwright, what asks for them is skipped.

One browser serves all folders of tests: Playwright runs once in a process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """The browser."""
    api = pytest.importorskip("playwright.sync_api")
    named = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, named)), None)
    if path is None:
        pytest.skip("there is no Chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script of axe-core."""
    folder = os.environ.get("NODE_MODULES", "node_modules")
    path = Path(folder) / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.skip("axe-core is not there: name its folder in NODE_MODULES")
    return path
