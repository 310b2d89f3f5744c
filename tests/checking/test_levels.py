"""Whose word counts: the command line over the spec, the spec over the configuration."""

from __future__ import annotations

import pytest

from cnnkit.checking.levels import Levels, RuleSelection
from cnnkit.errors import Finding, UsageError
from cnnkit.rules import LEVELS, OFF_BY_DEFAULT
from tests.checking.checked import Check, Write, rules_of

SPEC = """\
input: 4x4x8
layers:
  - conv: {filters: 8, kernel: 4, padding: same}
  - batch_norm
  - relu
"""


def test_each_rule_is_applied_that_is_not_off_by_default() -> None:
    assert set(Levels([]).names) == set(LEVELS) - OFF_BY_DEFAULT


def test_a_selection_is_the_whole_of_it() -> None:
    assert Levels([RuleSelection(select=("large-dense",))]).names == ("large-dense",)
    assert set(Levels([RuleSelection(select=("all",))]).names) == set(LEVELS)


@pytest.mark.parametrize("choice", [RuleSelection(warning=("x",)), RuleSelection(error=("x",))])
def test_a_level_switches_a_rule_on(choice: RuleSelection) -> None:
    [off] = OFF_BY_DEFAULT
    level = "warning" if choice.warning else "error"
    levels = Levels([RuleSelection(**{level: (off,)})])
    assert levels.applies(off)
    assert [each.level for each in levels.judged([Finding(off, "info", "…")])] == [level]


@pytest.mark.parametrize(
    ("choices", "applied"),
    [
        ([RuleSelection(ignore=("large-dense",)), RuleSelection(error=("large-dense",))], True),
        ([RuleSelection(error=("large-dense",)), RuleSelection(ignore=("large-dense",))], False),
        ([RuleSelection(ignore=("large-dense",)), RuleSelection(select=("large-dense",))], True),
        ([RuleSelection(select=("no-op-layer",)), RuleSelection(error=("large-dense",))], True),
        ([RuleSelection(error=("large-dense",)), RuleSelection(select=("no-op-layer",))], False),
        ([RuleSelection(select=("large-dense",), ignore=("large-dense",))], False),
    ],
)
def test_the_later_choice_wins(choices: list[RuleSelection], applied: bool) -> None:
    assert Levels(choices).applies("large-dense") is applied


def test_a_selection_keeps_the_level_that_was_chosen_before() -> None:
    levels = Levels([RuleSelection(error=("large-dense",)), RuleSelection(select=("large-dense",))])
    [finding] = levels.judged([Finding("large-dense", "warning", "…")])
    assert finding.level == "error"


def test_the_spec_wins_over_the_configuration(write: Write, check: Check) -> None:
    write("cnnkit.toml", 'ignore = ["redundant-bias"]\nerror = ["even-kernel-same"]\n')
    write("a.yaml", SPEC)
    write("b.yaml", f"{SPEC}rules: {{error: [redundant-bias], ignore: [even-kernel-same]}}\n")
    first, second = check()
    assert [(each.rule, each.level) for each in first.findings] == [("even-kernel-same", "error")]
    assert [(each.rule, each.level) for each in second.findings] == [("redundant-bias", "error")]


def test_the_command_line_wins_over_the_spec(write: Write, check: Check) -> None:
    write("a.yaml", f"{SPEC}rules: {{ignore: [redundant-bias], error: [even-kernel-same]}}\n")
    assert rules_of(check(select=("redundant-bias",))) == ["redundant-bias"]
    assert rules_of(check(ignore=("even-kernel-same",))) == []


def test_a_comment_wins_over_the_command_line(write: Write, check: Check) -> None:
    comment = "# cnnkit: ignore[redundant-bias, even-kernel-same]"
    write("a.yaml", SPEC.replace("same}\n", f"same}}  {comment}\n"))
    assert rules_of(check(select=("redundant-bias", "even-kernel-same"))) == []


def test_faults_of_the_text_cannot_be_ignored(write: Write, check: Check) -> None:
    write("a.yaml", "input: 4x4x8\nlayers: [{conv: {filter: 8, kernel: 4}}]\n")
    assert rules_of(check(ignore=("unknown-key",), select=("large-dense",))) == ["unknown-key"]


def test_faults_of_the_geometry_can(write: Write, check: Check) -> None:
    write("a.yaml", "input: 7x7x3\nlayers: [{conv: {filters: 8, kernel: 3, stride: 3}}]\n")
    assert rules_of(check(select=("invalid-stride",))) == ["invalid-stride"]
    assert "invalid-stride" not in rules_of(check(ignore=("invalid-stride",)))


def test_an_unknown_rule_in_a_spec_is_a_finding(write: Write, check: Check) -> None:
    write("a.yaml", "input: 8\nlayers: [relu]\nrules:\n  ignore: [no-layers, large-dens]\n")
    [result] = check(ignore=("no-layers",))
    [finding] = result.findings
    assert (finding.rule, finding.level) == ("unknown-name", "error")
    assert finding.message == "there is no rule `large-dens`"
    assert finding.help == "did you mean `large-dense`?"
    assert str(finding.location) == "a.yaml:4:23"


def test_an_unknown_rule_on_the_command_line_is_wrong_usage(check: Check) -> None:
    for choice in ({"select": ("large-dens",)}, {"ignore": ("large-dens",)}):
        with pytest.raises(UsageError, match=r"^there is no rule `large-dens`; did you mean"):
            check(**choice)
    with pytest.raises(UsageError, match=r"^there is no rule `all`; `cnnkit rule` lists them$"):
        check(ignore=("all",))


def test_a_rule_that_is_expected_is_applied_even_if_it_is_off(write: Write, check: Check) -> None:
    off = "channels-not-multiple-of-8"
    conv = "{conv: {filters: 7, kernel: 3}}"
    text = f"input: 3x3x3\nlayers: [{conv}, relu, {{conv: {{filters: 8, kernel: 1}}}}]\n"
    text += "expect: {findings: [%s]}\n"
    write("a.yaml", text % off)
    assert rules_of(check()) == []
    assert rules_of(check(select=("expectation-failed",))) == []
    write("a.yaml", text % "large-dense")
    assert rules_of(check(select=("expectation-failed",))) == ["expectation-failed"]


def test_an_expected_finding_is_none(write: Write, check: Check) -> None:
    write(
        "a.yaml",
        """\
        input: 7x7x3
        layers: [{conv: {filters: 8, kernel: 3, stride: 3}}]
        expect: {findings: [invalid-stride]}
        """,
    )
    assert rules_of(check()) == []
