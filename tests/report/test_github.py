from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnkit.checking import CheckResult
from cnnkit.report import render_findings
from cnnkit.report.findings.github import escaped, escaped_property
from tests.report.ci_findings import HOSTILE, RESULTS, finding

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def unescaped(text: str) -> str:
    """What the runner of GitHub's Actions makes of a message or property."""
    for sign, code in ((",", "%2C"), (":", "%3A"), ("\n", "%0A"), ("\r", "%0D"), ("%", "%25")):
        text = text.replace(code, sign)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = [pair.partition("=") for pair in match[2].split(",")]
        found.append(
            (match[1], {key: unescaped(value) for key, _, value in pairs}, unescaped(match[3]))
        )
    return found


def test_a_command_for_each_finding() -> None:
    assert render_findings(RESULTS, "github") == (
        "::error file=specs/a.yaml,line=7,endLine=7,col=43,endColumn=52,title=invalid-stride"
        "::stride 3 does not fit%0Ahelp: stride 1 gives 5\n"
        "::warning file=specs/a.yaml,line=9,endLine=11,title=large-dense"
        "::this dense layer holds most parameters%0Ahelp: stride 1 gives 5"
        "%0Aused at specs/a.yaml:20:5\n"
        "::notice file=specs/a.yaml,line=7,endLine=7,col=43,endColumn=52,title=unused-ignore"
        "::no comment\n"
        "::error file=/else/ä.yaml,title=over-budget::stride 3 does not fit\n"
    )


def test_no_finding_is_no_line() -> None:
    assert render_findings([CheckResult("a.yaml", ())], "github") == ""


def test_columns_are_left_out_where_a_span_covers_lines() -> None:
    _, (_, properties, _), *_ = commands(render_findings(RESULTS, "github"))
    assert properties.keys() == {"file", "line", "endLine", "title"}


def test_strange_texts_stay_one_command() -> None:
    for result, (_, properties, message) in zip(
        HOSTILE, commands(render_findings(HOSTILE, "github")), strict=True
    ):
        assert properties["file"] == result.file
        assert properties["title"] == "invalid-stride"
        assert "50 % of\\r\\n`a: b`, ::error::c" in message
        assert "\x1b" not in message


@given(st.text())
def test_escapes_can_be_read_back(text: str) -> None:
    assert unescaped(escaped_property(text)) == text
    assert not set(escaped_property(text)) & set(":,\r\n")
    assert not set(escaped(text)) & set("\r\n")


@given(st.text())
def test_any_message_stays_one_command(text: str) -> None:
    results = [CheckResult("a.yaml", (finding(message=text, help=text),))]
    [(level, _, _)] = commands(render_findings(results, "github"))
    assert level == "error"


def test_standard_input_has_no_file() -> None:
    results = [CheckResult("<stdin>", (finding(location=None),))]
    assert render_findings(results, "github").startswith("::error title=invalid-stride::")


def test_paths_are_those_of_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path / "models")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert "file=models/specs/a.yaml," in render_findings(RESULTS, "github")
    monkeypatch.setenv("GITHUB_WORKSPACE", "/elsewhere")
    assert "file=specs/a.yaml," in render_findings(RESULTS, "github")
