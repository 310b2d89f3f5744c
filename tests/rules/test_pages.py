"""Each finding of the project has a rule, each rule a page, and each page an example that is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import cnnkit
from cnnkit import rules
from cnnkit.checking.check import CheckTask, check
from cnnkit.checking.discovery import Candidate
from cnnkit.checking.levels import RuleSelection
from cnnkit.export import convert
from cnnkit.importing import import_model

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cnnkit"
HELPERS = {"__init__", "base", "levels", "text"}
HEADINGS = ["What it finds", "Why", "Example", "Instead"]
# What makes findings, or passes their parts on, with the rule's name as its first argument, or
# second behind the event of the YAML parser that it is about.
MAKERS = {
    "Finding",
    "Problem",
    "Fault",
    "report",
    "_report",
    "add",
    "refuse",
    "finding",
    "_finding",
}
NAME = re.compile(r"[a-z]+(-[a-z0-9]+)*")


def section(name: str, heading: str) -> str:
    parts = re.split(r"^## (.+)\n", rules.rule(name).page, flags=re.MULTILINE)
    return parts[parts.index(heading) + 1].strip()


def example(name: str, heading: str) -> str:
    match = re.fullmatch(r"```yaml\n(.*?)```", section(name, heading), re.DOTALL)
    assert match, f"{heading} of {name} is not one block of YAML"
    return match[1]


def checked(name: str, text: str, folder: Path) -> list[str]:
    """The rules that find something in a text, once each."""
    path = folder / "spec.yaml"
    path.write_text(text)
    if name == "not-convertible":  # nobody else knows the framework that it is about
        return sorted({finding.rule for finding in convert(cnnkit.load(path), "keras").findings})
    if name == "not-importable" and (operator := re.search(r"a node of (\w+)", text)):
        return imported(operator[1], folder / "model.onnx")
    on = [each for each in rules.LEVELS if each not in rules.OFF_BY_DEFAULT or each == name]
    result = check(
        CheckTask(Candidate(str(path), named=True), choice=RuleSelection(select=tuple(on)))
    )
    assert result is not None
    return sorted({finding.rule for finding in result.findings})


def imported(operator: str, path: Path) -> list[str]:
    """The rules that an import finds broken by a node of an operator."""
    onnx = pytest.importorskip("onnx")
    helper, shape = onnx.helper, [1, 3, 8, 8]
    values = [helper.make_tensor_value_info(name, 1, shape) for name in ("x", "y")]
    node = helper.make_node(operator, ["x"], ["y"])
    path.write_bytes(
        helper.make_model(
            helper.make_graph([node], "g", values[:1], values[1:])
        ).SerializeToString()
    )
    with pytest.raises(cnnkit.SpecError) as caught:
        import_model(path)
    return sorted({finding.rule for finding in caught.value.findings})


@pytest.mark.parametrize("name", rules.LEVELS)
def test_a_page_has_a_summary_and_the_headings(name: str) -> None:
    rule = rules.rule(name)
    assert re.findall(r"^## (.+)$", rule.page, re.MULTILINE) == HEADINGS
    assert rule.summary.endswith(".")
    assert rule.page.splitlines()[1] == ""
    assert all(section(name, heading) for heading in HEADINGS)


@pytest.mark.parametrize("name", rules.LEVELS)
def test_the_example_shows_this_fault_and_no_other(name: str, tmp_path: Path) -> None:
    assert checked(name, example(name, "Example"), tmp_path) == [name]


@pytest.mark.parametrize("name", rules.LEVELS)
def test_what_to_write_instead_has_no_fault(name: str, tmp_path: Path) -> None:
    assert checked(name, example(name, "Instead"), tmp_path) == []


def test_the_files_are_the_rules() -> None:
    files = {path.stem for path in (PACKAGE / "rules").glob("*.py")} - HELPERS
    assert files == {name.replace("-", "_") for name in rules.LEVELS}


@pytest.mark.parametrize("name", rules.LEVELS)
def test_a_rule_checks_what_nothing_before_it_finds(name: str) -> None:
    assert (rules.rule(name).check is not None) == (name in rules.CHECKED)


def test_there_is_no_other_rule() -> None:
    with pytest.raises(KeyError):
        rules.rule("no-such-rule")


def emitted() -> set[str]:
    """The names in all calls that make findings."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                function = node.func
                called = getattr(function, "id", None) or getattr(function, "attr", None)
                if called in MAKERS:
                    names.update(string for part in node.args[:2] for string in literals(part))
    return {name for name in names if NAME.fullmatch(name)}


def literals(node: ast.expr) -> set[str]:
    """The strings that an argument may be: `"a"`, or `"a" if … else "b"`."""
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    from_table = {"expectation-failed", "wrong-type", "wrong-value"}  # the name is in a variable
    names = emitted()
    levels_and_labels = {"error", "warning", "info", "add"}
    assert names - levels_and_labels - set(rules.LEVELS) == set()
    assert set(rules.LEVELS) - names - from_table == set()
