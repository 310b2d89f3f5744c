"""Every fault of syntax, in the words and at the place a user sees, with both parsers."""

import pytest
import yaml

from cnnkit.errors import Finding
from cnnkit.spec.text import source as source_module
from cnnkit.spec.text.source import read_text


@pytest.fixture(params=["C", "Python"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python":
        monkeypatch.setattr(source_module, "_Parser", yaml.SafeLoader)


def shown(findings: list[Finding]) -> list[tuple[str, str]]:
    """Each finding's place, as `line:column-end` or `line:column-line:column`, and message."""
    result = []
    for finding in findings:
        at = finding.location
        assert at is not None
        assert finding.level == "error"
        end = str(at.end_column) if at.line == at.end_line else f"{at.end_line}:{at.end_column}"
        result.append((f"{at.line}:{at.column}-{end}", finding.message))
    return result


TAB = "a tab stands here; YAML is indented by spaces"
ENDED = "follows a value that has ended"
NO_FLOAT = "does not fit a float, which reaches from 4.9e-324 to 1.8e308 on either side of 0"
CASES = [
    ("a:\n  b: 1\n\tc: 2", "3:1-2", TAB),
    ("a:\n\t- b", "2:1-2", TAB),
    ("-\tb: 2", "1:2-3", TAB),
    ("a: 'x\nb: 1", "1:4-5", "the quote `'` that opens here is never closed"),
    ('a: "x\n--- y', "1:4-5", 'the quote `"` that opens here is never closed'),
    ('a: "x\\d"', "1:6-8", "`\\d` does not start a valid escape in a string in double quotes"),
    ('a: "\\xzz"', "1:5-7", "`\\x` does not start a valid escape in a string in double quotes"),
    ("a: {b: [1, 2", "1:8-9", "the `[` that opens here is never closed"),
    ("- conv: {k: 3\n- relu", "1:9-10", "the `{` that opens here is never closed"),
    (
        "a: [1, 2\nb: c",
        "2:2-3",
        "`,` or `]` is expected here, not `:`; the `[` was opened on line 1, column 4",
    ),
    ("a: [b: c: d]", "1:9-10", "`,` or `]` is expected here, not `:`"),
    ("a: {b: $(x[0])}", "1:11-12", "`[` ends the expression before it, inside `{…}`"),
    ("[a,,b]", "1:4-5", "a value is expected here, not `,`"),
    ("a: ]", "1:4-5", "a value is expected here, not `]`"),
    ("a: [", "1:5-5", "a value is expected here, not the end of the text"),
    ("a: {b: 1}}", "1:10-11", "`}` closes nothing that is open"),
    ("- a\n]", "2:1-2", "`]` closes nothing that is open"),
    ("a: 'it's'", "1:8-9", f"`s` {ENDED}"),
    ("a: [b] word", "1:8-12", f"`word` {ENDED}"),
    (
        "a:\n  - b\n - c",
        "3:2-3",
        "a list item `-` cannot stand here: the keys around it start in column 1, as on line 1",
    ),
    (
        "k:\n  a: b # c\n   d: e",
        "3:4-5",
        "`d` cannot stand here: the keys around it start in column 3, as on line 2",
    ),
    ("- a\nb: 1", "2:1-2", "a list item `- ` is expected here, as on line 1, not `b`"),
    (": x", "1:1-2", "a key is missing before this `:`"),
    ("a: 1\nfoo bar\nb: 2", "2:1-8", "`foo bar` has no `:`, where a `key: value` is expected"),
    ("a: b: c", "1:5-6", "a second `:` stands in this value"),
    (
        "a: 1\n foo: 2",
        "2:5-6",
        "a `:` cannot stand here: this line goes on with the value before it",
    ),
    (
        f"{'x' * 1100}: y",
        "1:1101-1102",
        "the key before this `:` is longer than 1,024 characters",
    ),
    ("a: - b", "1:4-5", "a list item `-` cannot stand here"),
    ("a: @b", "1:4-5", "`@` cannot start a value"),
    ("a: b\n? c : ? d", "2:7-8", "`?` cannot start a value"),
    ("a: |x\n b", "1:5-6", "`x` cannot stand after the `|` of a text block"),
    ("a: *", "1:4-5", "a name is expected after `*`"),
    ("a: & b", "1:4-5", "a name is expected after `&`"),
    ("a: !<x 1", "1:4-5", "this tag is not valid"),
    ("a: !x!y z", "1:4-5", "this tag is not valid"),
    ("%YAML 3.0\n---\na: 1", "1:1-2", "this directive is not valid"),
    ("a: 1\n...\nb: 2", "3:1-2", "`b` stands after the end of the document"),
    ("a: \x07", "1:4-5", "the control character U+0007 is not allowed in YAML"),
    (
        "a: é\nb: \ud83d",
        "2:4-5",
        "U+D83D is one half of a surrogate pair, and the other half is missing",
    ),
    ("", "1:1-1", "this is empty"),
    ("# only\n", "1:1-1", "only comments are in here"),
]


@pytest.mark.parametrize(("text", "place", "message"), CASES)
def test_what_the_parser_cannot_read(text: str, place: str, message: str) -> None:
    node, findings = read_text(text, "spec.yaml")
    assert node is None
    assert [finding.rule for finding in findings] == ["syntax"]
    assert findings[0].help
    assert shown(findings) == [(place, message)]


def test_a_space_is_missed_after_a_colon(request: pytest.FixtureRequest) -> None:
    if "Python" in request.node.name:
        pytest.skip("the parser in Python reads it as a key and its value")
    _, findings = read_text("conv: {kernel:[3, 3]}", "spec.yaml")
    assert shown(findings) == [("1:14-15", "a space is missing after this `:`")]


def test_the_help_fits_the_fault() -> None:
    def advice(text: str) -> str | None:
        return read_text(text, "spec.yaml")[1][0].help

    assert advice("a: 'x") == "close it with `'`; a `'` inside the string is written `''`"
    assert advice("a: {b: $(x[0])}") == 'put the expression in quotes: `"$(…)"`'
    assert advice("[a,,b]") == "remove one `,`"
    assert advice("a: @b") == 'put the text in quotes: `"@…"`'
    assert advice('{"a"\n: 1}') == "close it with `}`, or put this `:` on the line of its key"


# What does not stop the reading


FAULTS = """\
filters: 1
1: a
filters: 2
<<: {b: 1}
[x]: c
? d: e
: f
list: [*nothing, &self [*self], 1e999, !!int x, !no {k: v}]
"<<": g
filters: 3
"""


def test_all_faults_that_can_be_read_over_are_found_in_one_run() -> None:
    node, findings = read_text(FAULTS, "spec.yaml")
    assert node is not None
    assert node.plain() == {
        "filters": 1,
        "1": "a",
        "list": [None, [None], "1e999", "x", {"k": "v"}],
        "<<": "g",
    }
    assert [finding.rule for finding in findings] == [
        "wrong-type",
        "duplicate-key",
        "unknown-key",
        "wrong-type",
        "wrong-type",
        "syntax",
        "syntax",
        "wrong-type",
        "wrong-type",
        "syntax",
        "duplicate-key",
    ]
    assert shown(findings) == [
        ("2:1-2", "a key must be a string, and `1` is an integer"),
        ("3:1-8", "`filters` is given twice: first on line 1"),
        ("4:1-3", "`<<` merges mappings in YAML 1.1; YAML 1.2 has no such key"),
        ("5:1-4", "a key must be a string, and this is a list"),
        ("6:3-7", "a key must be a string, and this is a mapping"),
        ("8:8-16", "the alias `*nothing` has no anchor `&nothing` before it"),
        ("8:25-30", "the alias `*self` stands inside what it stands for"),
        ("8:33-38", f"`1e999` {NO_FLOAT}"),
        ("8:40-47", "the tag `!!int` stands before `x`, which is a string"),
        ("8:49-54", "the tag `!no` is not known"),
        ("10:1-8", "`filters` is given twice: first on line 1"),
    ]
    assert findings[0].help == 'quote it: `"1"`'
    assert findings[1].help == "keep one of them"
    assert findings[2].help == (
        "share fields by `defaults:`, layers by `blocks:`, a whole spec by `extends:`"
    )


def test_a_misspelt_alias_is_suggested() -> None:
    _, findings = read_text("a: &shape 1\nb: *shpae", "spec.yaml")
    assert [finding.help for finding in findings] == ["did you mean `*shape`?"]


def test_faults_before_the_place_where_reading_stops_are_kept() -> None:
    node, findings = read_text("a: 1\na: 2\nb: [", "spec.yaml")
    assert node is None
    assert [finding.rule for finding in findings] == ["duplicate-key", "syntax"]


def test_a_second_document_is_not_read() -> None:
    node, findings = read_text("---\na: 1\n---\nb: 2", "spec.yaml")
    assert node is not None
    assert node.plain() == {"a": 1}
    assert shown(findings) == [("3:1-4", "a second document starts here; a spec is one document")]
