"""Makes the pictures of the README: ``python docs/pictures.py``.

The drawing needs cnnkit alone, the curves the extra `train`, and the playground Playwright, a
Chromium and `python -m cnnkit.playground.vendor`.
"""

from __future__ import annotations

import shutil
import sys
import threading
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

from cnnkit import analyze, load, train
from cnnkit.playground import site
from cnnkit.playground.server import server_of
from cnnkit.report import render

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
FLAGSHIP = ROOT / "specs" / "lectures" / "rgb-valid-4-classes.yaml"
COLORS = 128


def draw() -> None:
    """The layers of the lecture's network."""
    (PICTURES / "drawing.svg").write_text(render([analyze(load(FLAGSHIP))], "svg"), "utf-8")


def curves() -> None:
    """Loss and accuracy of the digits."""
    with TemporaryDirectory() as folder:
        run = train(ROOT / "specs" / "digits.yaml", run_dir=Path(folder) / "digits")
        with Image.open(run.path / "curves.png") as picture:
            _keep(picture.convert("RGB"), "curves.png", 900)


def playground() -> None:
    """The calculator in the browser, with the window that walks over a colour image."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        site.write(Path(folder), FLAGSHIP.read_text("utf-8"), quick=True)
        with server_of(Path(folder), 0) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-US")
            page.set_default_timeout(120_000)
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            page.wait_for_selector("body[data-shown]")
            taken = page.screenshot(animations="disabled")
            browser.close()
            server.shutdown()
            thread.join()
    with Image.open(BytesIO(taken)) as picture:
        _keep(picture.convert("RGB"), "playground.png", 1280)


def _keep(picture: Image.Image, name: str, width: int) -> None:
    """Writes a picture of few colours, which is a third of the size."""
    height = round(picture.height * width / picture.width)
    small = picture.resize((width, height), Image.Resampling.LANCZOS)
    small.quantize(COLORS).save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for each in sys.argv[1:] or ("draw", "curves", "playground"):
        {"draw": draw, "curves": curves, "playground": playground}[each]()
