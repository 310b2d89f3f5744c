"""The playground in headless Chromium, against its bars: start, keystrokes, and what is loaded.

    python -m cnnkit.playground.vendor
    python -m pip install playwright
    python benchmarks/pages.py [--json FILE]

It needs a Chromium, the one on the path or in the environment's CHROMIUM. The times are those of a
machine that has nothing else to do; the sizes are the same on each.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measuring import machine, table, versions

from cnnkit.playground import site
from cnnkit.playground.server import server_of

ZOO = Path(__file__).parents[1] / "specs" / "zoo"
BARS = {
    "first table, empty cache": 6.0,
    "first table, from the cache": 3.0,
    "keystroke to table, resnet-50": 0.1,
    "keystroke to table, efficientnet-b0": 0.25,
}
"""Seconds."""

TRANSFER = 8_000_000
"""Bytes, as a host sends them that compresses."""

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# A letter more in the last comment, and the time until the table is another.
_KEYSTROKE = """async (number) => {
    const content = document.querySelector(".cm-content");
    const table = document.getElementById("table");
    const data = new DataTransfer();
    data.setData("text/plain", String(number));
    const changed = new Promise((resolve) => {
        new MutationObserver((_, observer) => { observer.disconnect(); resolve(); })
            .observe(table, {childList: true});
    });
    const begun = performance.now();
    content.dispatchEvent(new ClipboardEvent(
        "paste", {clipboardData: data, bubbles: true, cancelable: true}));
    await changed;
    return (performance.now() - begun) / 1000;
}"""


def main() -> None:
    """Measures, and prints each figure beside its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--turns", type=int, default=5, help="of each figure, whose median is taken"
    )
    arguments = parser.parse_args()
    found = measured(arguments.turns)
    for name, value in {**machine(), **versions("cnnkit", "playwright")}.items():
        print(f"{name} {value}")
    rows = [[name, f"{found[name]:.2f} s", f"{bar:g} s"] for name, bar in BARS.items()]
    rows.append(["loaded, compressed", f"{found['loaded']:,} bytes", f"{TRANSFER:,} bytes"])
    print(table(["what", f"median of n = {arguments.turns}", "bar"], rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


def measured(turns: int) -> dict[str, Any]:
    """The figures by their names, the medians of so many turns."""
    with TemporaryDirectory() as name, _served(Path(name)) as address, _browser() as browser:
        found: dict[str, Any] = {"loaded": loaded(Path(name))}
        empty, cached = [], []
        for _ in range(turns):
            context = browser.new_context()
            page = context.new_page()
            empty.append(_opened(page, address))
            page.wait_for_selector("body[data-kept]", state="attached")
            cached.append(_opened(page, address))
            context.close()
        found["first table, empty cache"] = statistics.median(empty)
        found["first table, from the cache"] = statistics.median(cached)
        page = browser.new_page()
        _opened(page, address)
        for spec in ("resnet-50", "efficientnet-b0"):
            page.select_option("#menu", f"zoo/{spec}")
            page.wait_for_selector(f"#flow >> text={spec}")
            page.click(".cm-content")
            page.keyboard.press("Control+End")
            page.keyboard.type("# ")
            time.sleep(2)
            times = [page.evaluate(_KEYSTROKE, turn % 10) for turn in range(4 * turns)]
            found[f"keystroke to table, {spec}"] = statistics.median(times)
        return found


def loaded(folder: Path) -> int:
    """The bytes of all that the page asks for, each file compressed as hosts compress."""
    names = json.loads((folder / site.MANIFEST).read_text("utf-8"))["files"]
    return sum(len(gzip.compress((folder / name).read_bytes())) for name in names)


def _opened(page: Any, address: str) -> float:
    begun = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("#table tbody tr", timeout=120_000)
    return time.perf_counter() - begun


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    site.write(folder)
    with server_of(folder, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
