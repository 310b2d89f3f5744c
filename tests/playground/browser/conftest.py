"""The page in headless Chromium; without it, Playwright or the fetched parts all is skipped.

`.ci/playground` brings all three.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cnnkit.playground import site, vendor
from cnnkit.playground.server import server_of
from tests.playground.asking import lecture
from tests.playground.browser.playground import Playground


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served."""
    if not (vendor.VENDOR / "bytecode.json").is_file():
        pytest.skip("`python -m cnnkit.playground.vendor` has not been run")
    folder = tmp_path_factory.mktemp("site")
    site.write(folder, lecture("rgb-valid-4-classes"), quick=True)
    with server_of(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def opened(chromium: object, address: str) -> Iterator[Playground]:
    """The page, once for the tests of a file: Python takes a while to start."""
    playground = Playground.open(chromium, address)
    yield playground
    playground.close()


@pytest.fixture
def page(opened: Playground) -> Iterator[Playground]:
    """The page with the lecture's network; afterwards nothing has gone wrong on it."""
    opened.write(lecture("rgb-valid-4-classes"))
    yield opened
    assert opened.complaints == []
    assert opened.elsewhere == []
