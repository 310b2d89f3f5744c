from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnkit.checking.suppression import Suppressions
from cnnkit.spec.text.node import Source
from tests.checking.checked import Check, Write, rules_of


def lines(text: str) -> dict[int, list[str | None]]:
    """The names that are ignored, by line."""
    found = Suppressions.of(Source("a.yaml", text)).by_line
    return {line: [ignored.name for ignored in each] for line, each in found.items()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1 # cnnkit: ignore\n", {1: [None]}),
        ("a: 1 # cnnkit: ignore[large-dense]\n", {1: ["large-dense"]}),
        ("a: 1 # cnnkit: ignore[a-b, c,d]\n", {1: ["a-b", "c", "d"]}),
        ("a: 1\t#cnnkit:ignore [ a ]\n", {1: ["a"]}),
        ("# cnnkit: ignore\na: 1\n", {1: [None]}),
        ("a: 1  # the paper's  # cnnkit: ignore[a]\n", {1: ["a"]}),
        ("a: 1  # cnnkit: ignore[a] as in the paper\n", {1: ["a"]}),
        ("a: 1\nb: [1, # cnnkit: ignore[x]\n  2]\n", {2: ["x"]}),
        ("a: 1\r\nb: 2 # cnnkit: ignore[x]\r\n", {2: ["x"]}),
        ("a: |\n  text\nb: 2 # cnnkit: ignore\n", {3: [None]}),
        ("a: | # cnnkit: ignore\n  text\n", {1: [None]}),
        ("a: 1 # cnnkit: ignored\n", {}),
        ("a: 1 # cnnkit: ignore[]\n", {}),
        ("a: b#cnnkit: ignore\n", {}),
        ("a: 'b # cnnkit: ignore'\n", {}),
        ('a: "b # cnnkit: ignore[x]"\n', {}),
        ('a: "b\n  # cnnkit: ignore[x]"\n', {}),
        ("a: |\n  b # cnnkit: ignore[x]\n", {}),
        ("a: >-\n  b\n  # cnnkit: ignore[x]\nc: 1\n", {}),
        ("a: 'b # cnnkit: ignore' # cnnkit: ignore[y]\n", {1: ["y"]}),
        ('"# cnnkit: ignore": 1\n', {}),
        ("# cnnkit\n", {}),
    ],
)
def test_only_real_comments_count(text: str, found: dict[int, list[str | None]]) -> None:
    assert lines(text) == found


@given(st.text(st.sampled_from("ab'\"|>#:-[]{}, \n\t")), st.text(st.sampled_from("ab'\"# \n")))
def test_no_text_is_too_strange(before: str, after: str) -> None:
    lines(f"{before}# cnnkit: ignore{after}")


def test_the_finding_of_the_line_is_not_shown(write: Write, check: Check) -> None:
    conv = "conv: {filters: 8, kernel: 4, padding: same}"
    text = f"input: 4x4x8\nlayers:\n  - {conv}%s\n  - batch_norm%s\n"
    write("a.yaml", text % ("", ""))
    assert rules_of(check()) == ["redundant-bias", "even-kernel-same"]
    write("a.yaml", text % (" # cnnkit: ignore", ""))
    assert rules_of(check()) == []
    write("a.yaml", text % (" # cnnkit: ignore[redundant-bias]", ""))
    assert rules_of(check()) == ["even-kernel-same"]
    write("a.yaml", text % ("", " # cnnkit: ignore[redundant-bias]"))
    assert rules_of(check()) == ["redundant-bias", "even-kernel-same", "unused-ignore"]


def test_the_line_that_uses_a_block_counts_as_well(write: Write, check: Check) -> None:
    write(
        "a.yaml",
        """\
        input: 4x4x8
        blocks:
          unit:
            layers:
              - conv: {filters: 8, kernel: 4, padding: same}
              - relu
        layers:
          - unit  # cnnkit: ignore[even-kernel-same]
        """,
    )
    assert rules_of(check()) == []


def test_a_comment_in_an_extended_spec_counts(write: Write, check: Check) -> None:
    base = "input: 4x4x8\nlayers:\n  - conv: {filters: 8, kernel: 4, padding: same}%s\n"
    write("sub/base.yaml", base % "")
    write("a.yaml", "extends: sub/base.yaml\nname: a\n")
    assert rules_of(check("a.yaml")) == ["even-kernel-same"]
    write("sub/base.yaml", base % " # cnnkit: ignore[even-kernel-same]")
    assert rules_of(check("a.yaml")) == []
    write("sub/base.yaml", base % "")
    write("a.yaml", "extends: sub/base.yaml # cnnkit: ignore[even-kernel-same]\nname: a\n")
    assert rules_of(check("a.yaml")) == []


def test_a_finding_in_an_extended_spec_names_the_line_that_extends(
    write: Write, check: Check
) -> None:
    write("base.yaml", "input: 4x4x8\nlayers:\n  - conv: {filters: 8, kernel: 4, padding: same}\n")
    write("a.yaml", "name: a\nextends: base.yaml\n")
    [result] = check("a.yaml")
    [finding] = result.findings
    assert str(finding.location) == "base.yaml:3:32"
    assert [str(place) for place in finding.used_at] == ["a.yaml:2:1"]
    assert result.extends == ("base.yaml",)


@pytest.mark.parametrize(
    ("comment", "message", "column"),
    [
        ("ignore", "there is nothing on this line to ignore", 8),
        ("ignore[large-dense]", "there is no `large-dense` on this line to ignore", 25),
    ],
)
def test_an_unused_comment_is_a_note(
    comment: str, message: str, column: int, write: Write, check: Check
) -> None:
    write("a.yaml", f"input: 3\nlayers:\n- relu # cnnkit: {comment}\n")
    [result] = check()
    [finding] = result.findings
    assert (finding.rule, finding.level) == ("unused-ignore", "info")
    assert finding.message == message
    assert finding.location is not None
    assert (finding.location.line, finding.location.column) == (3, column)
    assert rules_of(check(ignore=("unused-ignore",))) == []


def test_a_comment_for_a_rule_that_is_not_applied_is_left_alone(write: Write, check: Check) -> None:
    write("a.yaml", "input: 3\nlayers:\n- relu # cnnkit: ignore[large-dense]\n")
    assert rules_of(check(ignore=("large-dense",))) == []


def test_a_comment_that_names_no_rule_is_a_warning(write: Write, check: Check) -> None:
    write("a.yaml", "input: 3\nlayers:\n- relu # cnnkit: ignore[large-dens]\n")
    [result] = check()
    [finding] = result.findings
    assert (finding.rule, finding.level) == ("unknown-name", "warning")
    assert finding.help == "did you mean `large-dense`?"


def test_faults_of_the_text_are_shown_all_the_same(write: Write, check: Check) -> None:
    write("a.yaml", "input: 3\nlayers:\n- rel # cnnkit: ignore\n")
    assert "unknown-kind" in rules_of(check())
