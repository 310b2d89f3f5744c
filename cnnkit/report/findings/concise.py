"""The results of a check, a line a finding: place, level, message and rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnkit.presentation.numbers import printable
from cnnkit.report.findings.text import summary

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult
    from cnnkit.errors import Finding


def render(results: Sequence[CheckResult]) -> str:
    """The lines in the order of the findings, and last the numbers."""
    lines = [_line(result, finding) for result in results for finding in result.findings]
    return "".join(f"{line}\n" for line in [*lines, summary(results)])


def _line(result: CheckResult, finding: Finding) -> str:
    where = finding.location or result.file
    return printable(f"{where}: {finding.level}: {finding.message}  [{finding.rule}]")
