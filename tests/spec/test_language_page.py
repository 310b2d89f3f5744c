"""The specs of the page on the language are sound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnnkit

PAGE = (Path(__file__).parents[2] / "docs/reference/language.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.DOTALL))
def test_specs_of_the_page_are_sound(text: str) -> None:
    assert cnnkit.analyze(cnnkit.load(text)).ok
