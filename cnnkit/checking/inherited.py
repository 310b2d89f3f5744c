"""A finding in a text that several specs extend is told once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from cnnkit.checking.check import CheckResult
from cnnkit.errors import Finding


def told_once(results: Sequence[CheckResult]) -> list[CheckResult]:
    """The results, of the findings in an extended text those that no other result tells.

    The result of the text itself comes first; where that has not found it, as a spec of its own
    may lack what others add, the first of those that extend it.
    """
    own = {
        _key(finding)
        for result in results
        for finding in result.findings
        if not _inherited(result, finding)
    }
    told: list[CheckResult] = []
    for result in results:
        kept = []
        for finding in result.findings:
            if _inherited(result, finding):
                if _key(finding) in own:
                    continue
                own.add(_key(finding))
            kept.append(finding)
        told.append(replace(result, findings=tuple(kept)))
    return told


def _inherited(result: CheckResult, finding: Finding) -> bool:
    """Whether a finding stands in another text than the one that was checked."""
    where = finding.location
    return where is not None and bool(result.extends) and where.file != result.file


def _key(finding: Finding) -> tuple[object, ...]:
    where = finding.location
    file = os.path.normpath(where.file) if where else None
    place = (where.line, where.column) if where else finding.path
    # An error of the same rule may be another: a warning with other totals in it is the same.
    return file, place, finding.rule, finding.message if finding.level == "error" else None
