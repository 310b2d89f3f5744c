"""Pages in headless Chromium, against their bars.

Of the playground the start, keystrokes, and what is loaded; of an analysis as a page the frames a
second at which the drawings of large networks zoom.

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

from cnnkit.analysis import analyze
from cnnkit.playground import site
from cnnkit.playground.server import server_of
from cnnkit.report import render
from cnnkit.spec.reading import read

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

FRAMES = 30
"""A second, while a drawing grows and shrinks."""

DRAWN = {
    "resnet-152": ("resnet-152", []),
    "densenet-201": ("densenet-121", ["variables.depths=[6, 12, 48, 32]"]),
}
"""The networks whose drawings zoom: a spec of the zoo, and what is set in it."""

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


_ZOOM = """async (seconds) => {
    const drawing = document.querySelector("svg.drawing");
    const begun = performance.now();
    let frames = 0;
    while (performance.now() - begun < 1000 * seconds) {
        const scale = 0.5 + 1.5 * Math.abs(Math.sin(frames / 20));
        drawing.style.maxWidth = "none";
        drawing.style.width = `${drawing.viewBox.baseVal.width * scale}px`;
        frames += 1;
        await new Promise(requestAnimationFrame);
    }
    return (1000 * frames) / (performance.now() - begun);
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
    for name, frames in found["frames"].items():
        print(f"drawing of {name}: {frames:.0f} frames a second while it zooms, bar {FRAMES}")
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
        found["frames"] = zoomed(browser, turns)
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


def zoomed(browser: Any, turns: int) -> dict[str, float]:
    """The frames a second at which each drawing zooms, the medians of so many turns of 2 s."""
    found = {}
    page = browser.new_page(viewport={"width": 1240, "height": 900})
    for name, (spec, assignments) in DRAWN.items():
        network = read(ZOO / f"{spec}.yaml", assignments).spec
        assert network is not None
        page.set_content(render([analyze(network)], "html"))
        found[name] = statistics.median(page.evaluate(_ZOOM, 2) for _ in range(turns))
    page.close()
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
