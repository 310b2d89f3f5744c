"""Pictures of the page, kept in `screens` and compared: `--overwrite-golden` takes them anew.

They are compared at a tenth of their size, so that another machine's fonts make no difference, and
a part that is lost, moved or painted in another colour does.
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
    difference = np.abs(np.asarray(small, float) - np.asarray(image.open(kept), float))
    assert difference.mean() < 4  # of 255
