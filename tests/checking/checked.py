"""Texts of specs, and what the tests of checking share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cnnkit.checking import CheckResult

FINE = """\
input: 3x3x3
layers:
  - conv: {filters: 8, kernel: 3, activation: relu}
  - global_mean_pool
  - dense: {units: 2}
"""
FAULTY = """\
input: 7x7x3
layers:
  - conv: {filters: 8, kernel: 3, stride: 3, activation: relu}
"""

Check = Callable[..., list[CheckResult]]


class Write(Protocol):
    """Writes a file of the folder, by default a spec without faults."""

    def __call__(self, name: str, text: str = ...) -> Path: ...


def rules_of(results: list[CheckResult]) -> list[str]:
    """The rules of all findings, in order."""
    return [finding.rule for result in results for finding in result.findings]
