"""`cnnkit rule`: the list of the rules, and the page of one."""

from __future__ import annotations

import pytest

from cnnkit.rules import LEVELS, rule
from tests.cli.command import Run


def test_the_list_has_a_line_for_each_rule(run: Run) -> None:
    done = run("rule")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == list(LEVELS)
    for line, (name, level) in zip(lines, LEVELS.items(), strict=True):
        assert line.split()[1].rstrip(",") == level
        assert line.endswith(rule(name).summary)
    assert sum("info, off" in line for line in lines) == 1


@pytest.mark.parametrize("name", LEVELS)
def test_every_rule_has_a_page(name: str, run: Run) -> None:
    done = run("rule", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"# {name}\n\n{LEVELS[name]}, ")
    assert rule(name).page in done.out
    assert "\x1b" not in done.out


def test_a_page_says_what_is_special(run: Run) -> None:
    assert "info, off by default" in run("rule", "channels-not-multiple-of-8").out
    assert "warning, on by default; `cnnkit check --fix` mends it" in run("rule", "no-op-layer").out


def test_a_terminal_shows_the_page_with_its_marks(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    out = run("rule", "redundant-bias").out
    assert "# redundant-bias" not in out
    assert "redundant-bias" in out


def test_an_unknown_rule_is_wrong_usage(run: Run) -> None:
    done = run("rule", "redundant-bia")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "cnnkit: there is no rule `redundant-bia`; did you mean `redundant-bias`?\n"
    )
    assert run("rule", "xyz").err == "cnnkit: there is no rule `xyz`; `cnnkit rule` lists them\n"
