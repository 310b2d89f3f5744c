from __future__ import annotations

import pytest

from cnnkit.analysis import Analysis
from cnnkit.errors import Finding, Location
from cnnkit.report.findings.finding import counted, finding_text, findings_styled, findings_text


def located(text: str, column: int, end: int, *, line: int = 7, end_line: int = 7) -> Finding:
    where = Location("net.yaml", line, column, end_line, end, text)
    return Finding("some-rule", "error", "it is wrong", "do it right", where)


def caret_line(finding: Finding) -> str:
    return finding_text(finding).split("\n")[2]


def test_form_of_actionlint(faulty: Analysis) -> None:
    lines = findings_text(faulty.findings).split("\n")
    message = "stride 3 does not fit: (7 − 3)/3 + 1 = 2.33 is not an integer"
    assert lines[:3] == [
        f"lenet.yaml:5:43: {message}  [invalid-stride]",
        "  5 |   - conv: {filters: 6, kernel: 3, stride: 3}",
        "    |                                           ^",
    ]
    assert lines[3].startswith("  help: stride ")
    assert lines[4:] == ["", "1 error"]


def test_span_of_several_columns() -> None:
    finding = located("  - conv: {kernel: 7}", 5, 9)
    assert finding_text(finding).split("\n")[1:3] == [
        "  7 |   - conv: {kernel: 7}",
        "    |     ^~~~",
    ]


def test_span_of_several_lines_ends_with_the_line() -> None:
    assert caret_line(located("  - conv:", 5, 3, end_line=9)) == "    |     ^~~~~"


def test_caret_behind_the_end_of_the_line() -> None:
    assert caret_line(located("abc", 4, 4)) == "    |    ^"


def test_gutter_is_as_wide_as_the_line_number() -> None:
    lines = finding_text(located("abc", 2, 3, line=1234, end_line=1234)).split("\n")
    assert lines[1:3] == ["  1234 | abc", "       |  ^"]


def test_tab_is_shown_as_spaces_and_the_caret_follows() -> None:
    lines = finding_text(located("a\tb: x", 6, 7)).split("\n")
    assert lines[1:3] == ["  7 | a   b: x", "    |        ^"]


def test_wide_characters_take_two_columns() -> None:
    assert caret_line(located("名前: x", 5, 6)) == "    |       ^"
    assert caret_line(located("{名前: x}", 2, 4)) == "    |  ^~~~"


def test_combining_character_takes_no_column() -> None:
    assert caret_line(located("e\N{COMBINING ACUTE ACCENT}: x", 5, 6)) == "    |    ^"


def test_control_characters_do_not_reach_the_terminal() -> None:
    finding = Finding(
        "r", "error", "a \x1b[2J b", "c \u202e d", located("x\x1b[31my", 7, 8).location
    )
    text = finding_text(finding)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"a \x1b[2J b" in text
    assert text.split("\n")[2] == "    |       ^"


@pytest.mark.parametrize("column", [1, 40, 5000, 9990])
def test_long_line_is_cut_round_the_fault(column: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(10_000))
    _, source, caret, _ = finding_text(located(text, column, column + 3)).split("\n")
    assert len(source) <= 121
    assert "…" in source
    place = caret.index("^")
    assert source[place : place + 3] == text[column - 1 : column + 2]


def test_fault_longer_than_the_line_is_cut() -> None:
    _, source, caret, _ = finding_text(located("x" * 10_000, 1, 10_001)).split("\n")
    assert len(source) <= 121
    assert len(caret) <= len(source)


def test_without_a_place_the_path_and_the_name_stand_there() -> None:
    finding = Finding("r", "error", "it is wrong", path="layers.3")
    assert finding_text(finding) == "layers.3: it is wrong  [r]"
    assert finding_text(finding, name="net") == "net: layers.3: it is wrong  [r]"


def test_warning_says_so() -> None:
    assert finding_text(Finding("r", "warning", "look")) == "warning: look  [r]"


def test_use_of_a_block_is_shown_below() -> None:
    inner = Location("net.yaml", 3, 5, 3, 9, "  - conv")
    outer = Location("net.yaml", 9, 5, 9, 9, "  - unit")
    text = finding_text(Finding("r", "error", "wrong", "mend it", inner, used_at=(outer,)))
    assert text.split("\n")[3:] == [
        "  used at net.yaml:9:5",
        "  9 |   - unit",
        "    |     ^~~~",
        "  help: mend it",
    ]


def test_help_is_one_line_in_a_pipe_and_hangs_on_a_terminal() -> None:
    finding = Finding("r", "error", "wrong", "first this; " * 12 + "then that")
    assert len(finding_text(finding).split("\n")) == 2
    lines = finding_text(finding, width=60).split("\n")[1:]
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].startswith("        first")


def test_count() -> None:
    error, warning = Finding("r", "error", "m"), Finding("r", "warning", "m")
    assert counted([error, warning, warning]) == "1 error, 2 warnings"
    assert counted([warning]) == "1 warning"
    assert findings_text([]) == ""


def test_styled_text_is_the_plain_text(nested: Analysis, faulty: Analysis) -> None:
    found = (*nested.findings, *faulty.findings)
    assert findings_styled(found).plain == findings_text(found)
