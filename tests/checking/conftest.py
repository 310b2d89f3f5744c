"""Folders of specs, and the check of what is in them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cnnkit.checking import CheckResult, Request, RuleSelection, run
from tests.checking.checked import FINE, Check, Write


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file into a folder that is the current one."""
    monkeypatch.chdir(tmp_path)

    def to(name: str, text: str = FINE) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8", newline="")
        return path

    return to


@pytest.fixture
def check() -> Check:
    """Checks paths; rules are selected and ignored as on the command line."""

    def of(
        *paths: str,
        select: tuple[str, ...] | None = None,
        ignore: tuple[str, ...] = (),
        **rest: Any,
    ) -> list[CheckResult]:
        return run(Request(paths or (".",), RuleSelection(select, ignore), **rest))

    return of
