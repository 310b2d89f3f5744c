"""Pictures of the page, kept in `screens` and compared: `--overwrite-golden` takes them anew.

They are kept at a tenth of their size and compared by the means of squares of 50 pixels. Another
machine's fonts, which move a line by one or two, change a mean by up to 55 of 255; a part that is
lost or painted in another colour changes some by 130 and more.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.playground.asking import lecture
from tests.playground.browser.playground import Playground

SCREENS = Path(__file__).with_name("screens")
WIDE = {"width": 1400, "height": 1000}
PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize(
    ("name", "theme", "viewport"),
    [("light", "light", WIDE), ("dark", "dark", WIDE), ("phone", "light", PHONE)],
)
def test_the_page_looks_as_it_did(
    chromium: Any,
    address: str,
    request: pytest.FixtureRequest,
    name: str,
    theme: str,
    viewport: dict[str, int],
) -> None:
    image = pytest.importorskip("PIL.Image")
    playground = Playground.open(chromium, address, viewport=viewport, color_scheme=theme)
    playground.write(lecture("rgb-filter"))
    playground.open_panel("walk")
    playground.page.wait_for_selector("#walk .equation")
    playground.page.mouse.click(1, 1)  # no cursor that blinks
    taken = image.open(BytesIO(playground.page.screenshot(animations="disabled"))).convert("RGB")
    playground.close()
    small = taken.resize((taken.width // 10, taken.height // 10), image.Resampling.BOX)
    kept = SCREENS / f"{name}.png"
    if request.config.getoption("--overwrite-golden"):
        SCREENS.mkdir(exist_ok=True)
        small.save(kept)
    assert np.abs(_means(small) - _means(image.open(kept))).max() < 70


def _means(picture: Any) -> Any:
    """The mean colour of each square."""
    pixels = np.asarray(picture, float)
    height, width = (extent // 5 for extent in pixels.shape[:2])
    return pixels[: 5 * height, : 5 * width].reshape(height, 5, width, 5, 3).mean((1, 3))
