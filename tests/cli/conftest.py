"""What the tests of all commands share."""

from __future__ import annotations

import pytest

from tests.cli.command import Run, runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `cnnkit` with arguments."""
    return runner(monkeypatch, capfd)
