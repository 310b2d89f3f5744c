"""The rules that `cnnkit check` holds a spec to: one file each, its docstring is its page.

``LEVELS`` is the whole table: the name of each rule, which is also its file's, and the level of
its findings. A file without a function ``check`` documents what reading or analysing finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module

from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding, Level
from cnnkit.rules.base import Check, Edit, Removal, Replacement, Rule, RuleContext, place_in
from cnnkit.rules.expectation_failed import settle
from cnnkit.rules.levels import CHECKED, FOUND_ELSEWHERE, LEVELS, OFF_BY_DEFAULT

__all__ = [
    "CHECKED",
    "FOUND_ELSEWHERE",
    "LEVELS",
    "OFF_BY_DEFAULT",
    "Edit",
    "Removal",
    "Replacement",
    "Rule",
    "applied",
    "edits",
    "place_in",
    "rule",
    "settle",
]


@cache
def rule(name: str) -> Rule:
    """The rule of a name.

    Raises:
        KeyError: There is no such rule.
    """
    level = LEVELS[name]
    module = import_module(f"cnnkit.rules.{name.replace('-', '_')}")
    page = (module.__doc__ or "").strip()
    check, fix = (getattr(module, function, None) for function in ("check", "fix"))
    return Rule(name, level, name not in OFF_BY_DEFAULT, page, check, fix)


def applied(analysis: Analysis, names: Collection[str]) -> list[Finding]:
    """What the rules of these names find, in the order of the table, at their default levels.

    The findings of ``analysis`` itself are not among them.
    """
    network = RuleContext(analysis)
    found: dict[object, Finding] = {}
    for name, level, check in _checks(frozenset(names)):
        for each in check(network):
            # The copies of a repeat or block share a line: one of them speaks for all.
            key = (name, each.location or (each.path, each.message))
            if key not in found:
                found[key] = each if each.level == level else replace(each, level=level)
    return list(found.values())


@cache
def _checks(names: frozenset[str]) -> tuple[tuple[str, Level, Check], ...]:
    """The functions that find these rules' faults in an analysis, in the order of the table."""
    return tuple(
        (name, level, check)
        for name, level in CHECKED.items()
        if name in names and (check := rule(name).check)
    )


def edits(analysis: Analysis, names: Iterable[str]) -> list[Edit]:
    """What the safe fixes of these rules do to the spec's own text, in the order of its lines."""
    network = RuleContext(analysis)
    fixes = [fix for name in names if (fix := rule(name).fix)]
    return sorted({edit for fix in fixes for edit in fix(network)})
