"""The rules that `cnnkit check` holds a spec to: one file each, its docstring is its page.

``LEVELS`` is the whole table: the name of each rule, which is also its file's, and the level of
its findings. A file without a function ``check`` documents what reading or analysing finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding, Level
from cnnkit.rules.base import Rule

LEVELS: Mapping[str, Level] = MappingProxyType({})

OFF_BY_DEFAULT = frozenset({"channels-not-multiple-of-8"})


@cache
def rule(name: str) -> Rule:
    """The rule of a name.

    Raises:
        KeyError: There is no such rule.
    """
    level = LEVELS[name]
    module = import_module(f"cnnkit.rules.{name.replace('-', '_')}")
    page = (module.__doc__ or "").strip()
    check = getattr(module, "check", None)
    return Rule(name, level, name not in OFF_BY_DEFAULT, page, check)


def applied(analysis: Analysis, names: Iterable[str]) -> list[Finding]:
    """What the rules of these names find, in the order of the table, at their default levels."""
    raise NotImplementedError
