"""The doors of the rules: the table, what is applied, and what it costs."""

from __future__ import annotations

import cProfile
import subprocess
import sys
from collections.abc import Callable

import cnnkit
from cnnkit import rules
from cnnkit.analysis import Analysis
from cnnkit.rules.base import counted, percent


def test_a_spec_built_in_python_has_findings_without_a_place() -> None:
    data = {
        "input": "8x8x3",
        "layers": [{"conv": {"filters": 8, "kernel": 3}}, "batch_norm", "linear"],
        "blocks": {"spare": {"layers": ["relu"]}},
        "variables": {"width": 3},
        "budget": {"parameters": 1, "state": 1},
    }
    analysis = cnnkit.analyze(cnnkit.load(data))
    findings = rules.applied(analysis, rules.LEVELS)
    assert [(each.rule, each.path, each.location) for each in findings] == [
        ("over-budget", None, None),
        ("over-budget", None, None),
        ("redundant-bias", "layers.0", None),
        ("no-op-layer", "layers.2", None),
        ("unused-block", None, None),
        ("unused-variable", None, None),
    ]
    assert rules.edits(analysis, rules.LEVELS) == []


def test_only_the_rules_that_are_named_are_applied_and_in_the_order_of_the_table(
    analysis_of: Callable[[str], Analysis],
) -> None:
    analysis = analysis_of("input: 8\nlayers: [linear, {dense: {units: 9}}, batch_norm]\n")
    names = ["no-op-layer", "redundant-bias"]
    assert [each.rule for each in rules.applied(analysis, names)] == names[::-1]
    assert rules.applied(analysis, ["no-op-layer"])[0].level == "warning"
    assert rules.applied(analysis, []) == []


def test_a_rule_knows_its_page_and_whether_it_is_on() -> None:
    rule = rules.rule("channels-not-multiple-of-8")
    assert (rule.level, rule.default, rule.fix) == ("info", False, None)
    assert rule.summary == "A number of channels is no multiple of 8."
    assert rules.rule("no-op-layer").fix is not None


def test_the_work_is_linear_in_the_layers(analysis_of: Callable[[str], Analysis]) -> None:
    unit = (
        "{residual: {layers: [{conv: {filters: 8, kernel: 3, padding: same}}, batch_norm,"
        " {dropout: {rate: 0.1}}, softmax], activation: relu}}"
    )

    def calls(times: int) -> int:
        text = f"input: 8x8x8\nlayers: [{{repeat: {{times: {times}, layers: [{unit}]}}}}]\n"
        analysis = analysis_of(text)
        rules.applied(analysis, rules.LEVELS)
        profile = cProfile.Profile()
        profile.runcall(rules.applied, analysis, rules.LEVELS)
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(1600) < 20 * calls(100)  # 16 times the layers; quadratic would be 256


def test_applying_them_loads_nothing_heavy() -> None:
    code = (
        "import sys, cnnkit; from cnnkit import rules;"
        "a = cnnkit.analyze(cnnkit.load({'input': '8x8x3', 'layers': ['linear']}));"
        "rules.applied(a, rules.LEVELS);"
        "heavy = {'jax', 'flax', 'optax', 'numpy', 'rich', 'typer', 'matplotlib'};"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_parts_are_shown_to_a_tenth_and_never_as_none_or_all() -> None:
    assert percent(3, 4) == "75.0 %"
    assert percent(1, 3) == "33.3 %"
    assert percent(5, 2) == "250.0 %"
    assert percent(1, 10**6) == "under 0.1 %"
    assert percent(10**6 - 1, 10**6) == "over 99.9 %"
    assert percent(10**400, 10**400) == "100.0 %"


def test_a_number_has_its_noun() -> None:
    assert counted(1, "row") == "1 row"
    assert counted(4224, "parameter") == "4,224 parameters"
