"""A run that is still training, in headless Chromium: its page follows it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna")
from cnnkit.selection.view.follow import server_of
from tests.selection.test_follow import begun, trained


def test_the_page_follows_its_run(chromium: Any, tmp_path: Path) -> None:
    run = begun(tmp_path / "run", 2)
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with server_of([tmp_path], 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        page.click("text=run >> nth=-1")
        page.wait_for_selector("text=2 epochs")
        page.click("summary:has-text('Epochs')")
        trained(run, 3)
        page.wait_for_selector("text=3 epochs")
        assert page.locator("details:has-text('Epochs')").get_attribute("open") is not None
        assert page.locator(".chart .pointer").count() == page.locator(".chart").count()
        server.shutdown()
        thread.join()
    page.close()
    assert [each for each in complaints if "favicon" not in each and "404" not in each] == []
