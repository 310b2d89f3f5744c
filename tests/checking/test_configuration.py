from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.checking.configuration import Configurations
from cnnkit.report.findings.finding import finding_text
from tests.checking.checked import FINE, Check, Write, rules_of

# A bias before a batch norm, and an even kernel that `same` pads unevenly.
SPEC = """\
input: 4x4x8
layers:
  - conv: {filters: 8, kernel: 4, padding: same}
  - batch_norm
  - relu
"""


def test_a_configuration_ignores_rules(write: Write, check: Check) -> None:
    write("a.yaml", SPEC)
    assert rules_of(check()) == ["redundant-bias", "even-kernel-same"]
    write("cnnkit.toml", 'ignore = ["even-kernel-same"]\n')
    assert rules_of(check()) == ["redundant-bias"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cnnkit.toml", 'select = ["redundant-bias"]\nerror = ["redundant-bias"]\n'),
        (
            "pyproject.toml",
            '[tool.cnnkit]\nselect = ["redundant-bias"]\nerror = ["redundant-bias"]',
        ),
    ],
)
def test_both_files_say_the_same(name: str, text: str, write: Write, check: Check) -> None:
    write("specs/a.yaml", SPEC)
    write(name, text)
    [result] = check("specs")
    assert [(each.rule, each.level) for each in result.findings] == [("redundant-bias", "error")]


def test_the_nearest_configuration_counts_alone(write: Write, check: Check) -> None:
    write("a.yaml", SPEC)
    write("sub/deep/a.yaml", SPEC)
    write("cnnkit.toml", 'ignore = ["even-kernel-same"]\n')
    write("sub/pyproject.toml", '[tool.cnnkit]\nignore = ["redundant-bias"]\n')
    write("sub/deep/pyproject.toml", '[project]\nname = "other"\n')
    found = {result.file: rules_of([result]) for result in check()}
    assert found == {"a.yaml": ["redundant-bias"], "sub/deep/a.yaml": ["even-kernel-same"]}


def test_its_own_file_wins_over_the_shared_one(write: Write) -> None:
    write("cnnkit.toml", "strict = true\n")
    write("pyproject.toml", "[tool.cnnkit]\nstrict = false\n")
    assert Configurations().within(Path()).strict


def test_strict_lets_warnings_fail_where_it_is_said(write: Write, check: Check) -> None:
    write("a.yaml", SPEC)
    write("strict/a.yaml", SPEC)
    write("strict/cnnkit.toml", "strict = true\n")
    assert {result.file: result.ok for result in check()} == {
        "a.yaml": True,
        "strict/a.yaml": False,
    }


def test_it_holds_for_a_file_that_is_named_from_elsewhere(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("project/cnnkit.toml", 'ignore = ["even-kernel-same", "redundant-bias"]\n')
    write("project/specs/a.yaml", SPEC)
    write("elsewhere/b.yaml", SPEC)
    monkeypatch.chdir("elsewhere")
    assert rules_of(check("../project/specs/a.yaml")) == []


FAULTS = {
    "unknown": (
        '# ours\nstrict = true\nignores = ["large-dense"]\n',
        """\
cnnkit.toml:3:1: the configuration has no key `ignores`  [unknown-key]
  3 | ignores = ["large-dense"]
    | ^~~~~~~
  help: did you mean `ignore`?""",
    ),
    "strange": (
        "colour = 1\n",
        """\
cnnkit.toml:1:1: the configuration has no key `colour`  [unknown-key]
  1 | colour = 1
    | ^~~~~~
  help: its keys are select, ignore, warning, error, strict, exclude""",
    ),
    "no rule": (
        'error = [\n  "large-dense",\n  "large-dens",\n]\n',
        """\
cnnkit.toml:3:4: there is no rule `large-dens`  [unknown-name]
  3 |   "large-dens",
    |    ^~~~~~~~~~
  help: did you mean `large-dense`?""",
    ),
    "no list": (
        'ignore = "large-dense"\n',
        """\
cnnkit.toml:1:1: `ignore` is not a list of strings  [wrong-type]
  1 | ignore = "large-dense"
    | ^~~~~~
  help: write `ignore = ["redundant-bias"]`""",
    ),
    "no flag": (
        'strict = "yes"\n',
        """\
cnnkit.toml:1:1: `strict` is neither true nor false  [wrong-type]
  1 | strict = "yes"
    | ^~~~~~""",
    ),
    "no TOML": (
        "strict = true\nexclude = no\n",
        """\
cnnkit.toml:2:11: this is not TOML: Invalid value  [syntax]
  2 | exclude = no
    |           ^""",
    ),
    "no end": (
        "strict = true\nexclude = [",
        """\
cnnkit.toml:2:1: this is not TOML: Invalid value  [syntax]
  2 | exclude = [
    | ^""",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_it_is_a_finding_at_its_line(fault: str, write: Write, check: Check) -> None:
    text, shown = FAULTS[fault]
    write("a.yaml", FINE)
    write("b.yaml", FINE)
    write("cnnkit.toml", text)
    configuration, *specs = check()
    assert "\n\n".join(map(finding_text, configuration.findings)) == shown
    assert not configuration.ok
    assert not configuration.is_spec
    assert [spec.file for spec in specs] == ["a.yaml", "b.yaml"]


def test_a_fault_in_a_shared_file_is_one_in_its_table(write: Write, check: Check) -> None:
    write("a.yaml", FINE)
    write("pyproject.toml", "[tool.other]\nstrct = 1\n\n[tool.cnnkit]\nstrct = true\n")
    configuration, _ = check()
    [finding] = configuration.findings
    assert str(finding.location) == "pyproject.toml:5:1"
    assert finding.help == "did you mean `strict`?"


def test_a_shared_file_that_is_broken_elsewhere_is_not_ours(write: Write, check: Check) -> None:
    write("a.yaml", FINE)
    write("pyproject.toml", "[tool.other\n")
    assert rules_of(check()) == []
    write("pyproject.toml", "[tool.cnnkit]\nstrict = \n")
    assert rules_of(check()) == ["syntax"]


def test_what_is_no_table_is_a_finding(write: Write, check: Check) -> None:
    write("a.yaml", FINE)
    write("pyproject.toml", "[tool]\ncnnkit = 1\n")
    assert rules_of(check()) == ["wrong-type"]


def test_a_file_that_is_no_text_is_a_finding(write: Write, check: Check) -> None:
    write("a.yaml", FINE)
    Path("cnnkit.toml").write_bytes(b"\xff\xff")
    assert rules_of(check()) == ["unreadable-file"]
