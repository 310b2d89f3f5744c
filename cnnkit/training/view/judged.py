"""Which split a run is judged on: validation, until its test split was opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def judged(summary: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The name of the split that a run was last measured on, and its figures; empty without."""
    for name in ("test", "validation"):
        if figures := summary.get(name):
            return name, figures
    return "validation", {}
