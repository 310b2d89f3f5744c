"""A short sweep of small geometries; ``geometries.py`` beside it is the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("flax")

COUNT = 30
ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_small_geometries_have_the_values_of_their_definition() -> None:
    """In a process of their own: what is wrong here may end it."""
    command = [sys.executable, "-m", "tests.agreement.geometries", "--count", str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    *_, last = done.stdout.splitlines() or [""]
    assert done.returncode == 0, f"ended with {done.returncode} at {last}\n{done.stderr[-2000:]}"
    assert last.endswith(" geometries, 0 differ")
