"""What all tests share: commands, golden files, written anew with --overwrite-golden; no time."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import axe, chromium
from tests.cli.command import Run, runner

__all__ = ["axe", "chromium"]

# Hypothesis fails an example that takes 200 ms: on a busy machine that says nothing of the code.
# Examples are the same each time, so that a change is refused for what it does; long runs draw
# anew.
settings.register_profile(
    "cnnkit",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CNNKIT_EXAMPLES" not in os.environ,
)
settings.load_profile("cnnkit")

# A worker holds many compiled programs and parsed files, which the collector would go over again
# and again.
gc.set_threshold(50_000, 20, 20)

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--overwrite-golden",
        action="store_true",
        help="write what the tests produce to tests/golden/ instead of comparing with it",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the golden file of a name."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--overwrite-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.exists(), f"no golden file {name}: run pytest --overwrite-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `cnnkit` with arguments."""
    return runner(monkeypatch, capfd)
