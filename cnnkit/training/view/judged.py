"""Which split a run is judged on: validation, until its test split was opened."""

from __future__ import annotations

from cnnkit.training.store.summary import Measured, Summary


def judged(summary: Summary) -> tuple[str, Measured]:
    """The name of the split that a run was last measured on, and its figures; empty without."""
    if summary.test:
        return "test", summary.test
    return "validation", summary.validation or {}
