"""What each rule finds, and does not find, in specs whose findings lie beside them.

A spec is in the folder of its rule and named by what it shows; an empty text beside it is a spec
that is fine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import GOLDEN

SPECS = sorted((GOLDEN / "rules").glob("*/*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_findings_are_those_beside_it(
    path: Path, found: Callable[[str, str], str], golden: Callable[[str, str], None]
) -> None:
    rule = path.parent.name
    golden(f"rules/{rule}/{path.stem}.txt", found(rule, path.read_text("utf-8")))


def test_each_shows_something_else() -> None:
    texts = [(path.parent, path.read_text("utf-8")) for path in SPECS]
    assert len(set(texts)) == len(texts)
