"""Pages in headless Chromium, against their bars.

Of the playground the start, keystrokes, and what is loaded; of an analysis as a page the frames a
second at which the drawings of large networks zoom; of the page of a run its size, and the time
until a cell of its confusion matrix opens the images behind it.

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

import numpy as np
from measuring import machine, table, versions

from cnnkit.analysis import analyze
from cnnkit.playground import site
from cnnkit.playground.server import server_of
from cnnkit.report import render
from cnnkit.spec.reading import read
from cnnkit.training.compute.metrics import summarize
from cnnkit.training.store.directory import WRONG, WRONG_IMAGES
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.summary import Summary
from cnnkit.training.store.wrong import Wrong, write_wrong
from cnnkit.training.view.gallery import MOST, read_pictures, save_tiles
from cnnkit.training.view.page import RunFiles
from cnnkit.training.view.page import render as render_run

ZOO = Path(__file__).parents[1] / "specs" / "zoo"
BARS = {
    "first table, empty cache": 6.0,
    "first table, from the cache": 3.0,
    "keystroke to table, resnet-50": 0.1,
    "keystroke to table, efficientnet-b0": 0.25,
    "page of a run, until it answers": 1.0,
}
"""Seconds."""

TRANSFER = 8_000_000
"""Bytes, as a host sends them that compresses."""

REPORT = 5_000_000
"""Bytes of the page of a run, as they lie on the disk."""

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
    rows.append(["page of a run", f"{found['page of a run']:,} bytes", f"{REPORT:,} bytes"])
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
        found |= reported(browser, turns)
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


def reported(browser: Any, turns: int) -> dict[str, float]:
    """The bytes of the page of a run, and the median time until it answers."""
    with TemporaryDirectory() as name:
        path = Path(name, "report.html")
        path.write_text(run_page(Path(name)), "utf-8")
        times = []
        for _ in range(turns):
            page = browser.new_page()
            begun = time.perf_counter()
            page.goto(path.as_uri(), wait_until="commit")
            page.locator(".confusion button").first.click()
            times.append(time.perf_counter() - begun)
            page.close()
        return {
            "page of a run": path.stat().st_size,
            "page of a run, until it answers": statistics.median(times),
        }


def run_page(folder: Path) -> str:
    """A page of the shape of CIFAR-10 with as many wrong answers as a page has images for.

    The images are noise, of which no file is small.
    """
    draw = np.random.default_rng(0)
    classes = [f"class-{number}" for number in range(10)]
    true, said = draw.integers(10, size=MOST), draw.integers(1, 10, size=MOST)
    pairs = [(int(a), int(a + b) % 10) for a, b in zip(true, said, strict=True)]
    images = draw.integers(256, size=(MOST, 32, 32, 3), dtype=np.uint8)
    save_tiles(folder / WRONG_IMAGES, list(images))
    rows = [
        Wrong("validation", str(number), classes[a], classes[b], 1 - number / MOST)
        for number, (a, b) in enumerate(pairs)
    ]
    write_wrong(folder / WRONG, rows)
    counts = 900 * np.eye(10, dtype=np.int64)
    np.add.at(counts, tuple(np.array(pairs).T), 1)
    held = summarize(counts).to_dict()
    held["classes"] = [
        {"name": name, **row} for name, row in zip(classes, held["classes"], strict=True)
    ]
    history = [
        RunEpoch(n, {"loss": 2 / n, "accuracy": 1 - 1 / n}, {"loss": 2 / n, "accuracy": 1 - 1 / n})
        for n in range(1, 101)
    ]
    return render_run(
        RunFiles(
            name="cifar-10",
            spec=(ZOO / "resnet-18.yaml").read_text("utf-8"),
            environment=Environment(),
            history=history,
            summary=Summary(data="cifar-10", validation=held, best_epoch=100, monitor="accuracy"),
            wrong=read_pictures(folder, WRONG, WRONG_IMAGES),
        )
    )


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
