from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cnnkit.checking import CheckResult
from cnnkit.errors import Location
from cnnkit.report import render_findings
from tests.report.ci_findings import HOSTILE, RESULTS, finding

# GitLab documents the format in words, "Code Quality report format" under "Integrate multiple
# tools": a list of objects with these fields, from the specification of Code Climate.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {
                            "begin": {"type": "integer", "minimum": 1},
                            "end": {"type": "integer", "minimum": 1},
                        },
                    },
                },
            },
        },
    },
}


def issues(results: list[CheckResult]) -> list[dict[str, Any]]:
    document = json.loads(render_findings(results, "gitlab"))
    Draft202012Validator(SCHEMA).validate(document)
    found: list[dict[str, Any]] = document
    return found


def test_an_issue_for_each_finding() -> None:
    found = issues(RESULTS)
    assert [issue["severity"] for issue in found] == ["major", "minor", "info", "major"]
    first = {key: value for key, value in found[0].items() if key != "fingerprint"}
    assert first == {
        "description": "stride 3 does not fit (help: stride 1 gives 5)",
        "check_name": "invalid-stride",
        "severity": "major",
        "location": {"path": "specs/a.yaml", "lines": {"begin": 7, "end": 7}},
    }
    assert found[1]["location"]["lines"] == {"begin": 9, "end": 11}
    assert found[3]["location"] == {"path": "/else/ä.yaml", "lines": {"begin": 1, "end": 1}}


def test_no_finding_is_an_empty_list() -> None:
    assert issues([CheckResult("a.yaml", ())]) == []


def test_paths_begin_in_the_repository() -> None:
    [issue] = issues([CheckResult("./a.yaml", (finding(location=None),))])
    assert issue["location"]["path"] == "a.yaml"


def test_fingerprints_are_unique_and_keep_when_lines_move() -> None:
    twice = [CheckResult("a.yaml", (finding(), finding(), finding(rule="large-dense")))]
    prints = [issue["fingerprint"] for issue in issues(twice)]
    assert len(set(prints)) == 3
    assert prints == [issue["fingerprint"] for issue in issues(twice)]
    where = finding().location
    assert where is not None
    moved = replace(where, line=90, end_line=90)
    [issue] = issues([CheckResult("a.yaml", (finding(location=moved),))])
    assert issue["fingerprint"] == prints[0]
    [issue] = issues([CheckResult("a.yaml", (finding(location=replace(where, text="other")),))])
    assert issue["fingerprint"] not in prints


def test_strange_texts_stay_valid() -> None:
    found = issues(HOSTILE)
    assert [issue["location"]["path"] for issue in found] == [each.file for each in HOSTILE]
    assert len({issue["fingerprint"] for issue in found}) == len(HOSTILE)


@given(st.text(min_size=1), st.text(st.characters(exclude_characters="\0/"), min_size=1))
def test_any_text_stays_valid(message: str, name: str) -> None:
    where = Location(f"a/{name}", 1, 1, 1, 1, message)
    [issue] = issues([CheckResult(f"a/{name}", (finding(message=message, location=where),))])
    assert name in (".", "..") or issue["location"]["path"] == f"a/{name}"
