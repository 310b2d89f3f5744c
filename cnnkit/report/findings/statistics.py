"""How often each rule finds something, in place of what it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnkit.report.findings.text import summary
from cnnkit.rules import LEVELS, rule

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult


def render(results: Sequence[CheckResult]) -> str:
    """A line a rule, the most frequent first: its findings, the files, its level, what it is."""
    findings = Counter(
        (finding.rule, finding.level) for result in results for finding in result.findings
    )
    files = Counter(
        key
        for result in results
        for key in {(finding.rule, finding.level) for finding in result.findings}
    )
    rows = [
        (f"{count:,}", f"{files[name, level]:,}", level, name, _summary(name))
        for (name, level), count in sorted(findings.items(), key=lambda item: (-item[1], item[0]))
    ]
    table = [("findings", "files", "level", "rule", ""), *rows] if rows else []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        f"{count:>{widths[0]}}  {where:>{widths[1]}}  {level:<{widths[2]}}  {name:<{widths[3]}}  "
        f"{text}".rstrip()
        for count, where, level, name, text in table
    ]
    return "".join(f"{line}\n" for line in [*lines, *([""] if lines else []), summary(results)])


def _summary(name: str) -> str:
    return rule(name).summary if name in LEVELS else ""
