"""Chromium and axe-core, as for the playground; without them all is skipped."""

from tests.playground.browser.conftest import axe, chromium

__all__ = ["axe", "chromium"]
