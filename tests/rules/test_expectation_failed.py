"""What `expect:` asks for and does not get."""

from __future__ import annotations

from collections.abc import Callable

import cnnkit
from cnnkit import rules
from cnnkit.analysis import Analysis
from cnnkit.errors import Finding


def test_figures_and_output(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
expect:
  parameters: 100
  neurons: 5400
  state: 0
  output: 28x28x8
"""
    assert (
        found("expectation-failed", spec)
        == """\
6:12
`neurons` is 5,408, not 5,400 as expected: 8 more (0.1 %)
help: if this is what is meant now, write `neurons: 5408`

5:15
`parameters` is 80, not 100 as expected: 20 less (20.0 %)
help: if this is what is meant now, write `parameters: 80`

8:11
the output is 26x26x8, not 28x28x8 as expected
help: if this is what is meant now, write `output: [26, 26, 8]`
"""
    )


def test_a_difference_too_small_to_round(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 1000
layers:
  - dense: {units: 1000}
expect: {macs: 1000001, parameters: 0}
"""
    assert (
        found("expectation-failed", spec)
        == """\
4:37
`parameters` is 1,001,000, not 0 as expected: 1,001,000 more
help: if this is what is meant now, write `parameters: 1001000`

4:16
`macs` is 1,000,000, not 1,000,001 as expected: 1 less (under 0.1 %)
help: if this is what is meant now, write `macs: 1000000`
"""
    )


def test_there_is_nothing_to_find(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 3}
expect: {parameters: 80, neurons: 5408, macs: 48672, output: [26, 26, 8]}
"""
    assert found("expectation-failed", spec) == ""


def test_fine_where_an_error_leaves_the_totals_open(found: Callable[[str, str], str]) -> None:
    spec = """\
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 30}
expect: {parameters: 80, output: [26, 26, 8]}
"""
    assert found("expectation-failed", spec) == ""


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
