"""What `expect:` asks for and does not get."""

from __future__ import annotations

from collections.abc import Callable

import cnnkit
from cnnkit import rules
from cnnkit.analysis import Analysis
from cnnkit.errors import Finding

SHOWS_A_FAULT = """\
input: 7x7x3
layers:
  - conv: {filters: 6, kernel: 3, stride: 3}
expect:
  parameters: 168
  findings: [invalid-stride, redundant-bias, invalid-strid]
"""


def test_findings_that_are_expected_are_none_and_those_that_are_missing_are(
    analysis_of: Callable[[str], Analysis],
) -> None:
    analysis = analysis_of(SHOWS_A_FAULT)
    findings = [*analysis.findings, *rules.applied(analysis, rules.LEVELS)]
    assert [finding.rule for finding in findings] == ["invalid-stride"]
    settled = rules.settle(analysis.spec, findings)
    assert {(each.rule, each.level) for each in settled} == {("expectation-failed", "error")}
    told = [(each.message, each.help, str(each.location).rpartition("/")[2]) for each in settled]
    assert told == [
        (
            "`redundant-bias` is expected and not found",
            "take it off the list `expect.findings`",
            "spec.yaml:6:30",
        ),
        (
            "`invalid-strid` is expected, and there is no such rule",
            "did you mean `invalid-stride`?",
            "spec.yaml:6:46",
        ),
    ]


def test_without_expectations_all_findings_stay() -> None:
    spec = cnnkit.load({"input": "7x7x3", "layers": [{"conv": {"filters": 6, "kernel": 3}}]})
    finding = Finding("redundant-bias", "warning", "so")
    assert rules.settle(spec, [finding]) == [finding]
