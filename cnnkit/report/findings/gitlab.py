"""Findings as a Code Quality report of GitLab."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.presentation.numbers import printable
from cnnkit.report.findings.places import ReportedFinding, entries, relative, root

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult

# Of GitLab's five, `critical` and `blocker` are for what takes a service down.
_SEVERITIES = {"error": "major", "warning": "minor", "info": "info"}


def render(results: Sequence[CheckResult]) -> str:
    """A list with an object for each finding."""
    base = root()
    issues = [_issue(entry, relative(entry.file, base)) for entry in entries(results)]
    return json.dumps(issues, indent=2) + "\n"


def _issue(entry: ReportedFinding, path: str) -> dict[str, Any]:
    finding = entry.finding
    advice = f" (help: {printable(finding.help)})" if finding.help else ""
    begin = finding.location.line if finding.location else 1
    end = finding.location.end_line if finding.location else 1
    return {
        "description": printable(finding.message) + advice,
        "check_name": finding.rule,
        "fingerprint": entry.fingerprint,
        "severity": _SEVERITIES[finding.level],
        "location": {"path": path, "lines": {"begin": begin, "end": end}},
    }
