"""Which rules are applied, and at which level: the most specific choice wins.

From the most general to the most specific there are the defaults of the rules, the project's
configuration, the spec's own section `rules:`, and the command line. A comment
`# cnnkit: ignore[rule]` on a line is more specific still.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from cnnkit.errors import Finding, Level, did_you_mean
from cnnkit.rules import LEVELS, OFF_BY_DEFAULT

ALL = "all"
"""Stands for every rule, in a ``select``."""


@dataclass(frozen=True, slots=True)
class RuleSelection:
    """What one place says of the rules.

    Attributes:
        select: The only rules that are applied; None leaves that to the more general place.
        ignore: Rules that are not applied.
        warning: Rules that are applied, and whose findings are warnings.
        error: Rules that are applied, and whose findings are errors.
    """

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()
    error: tuple[str, ...] = ()


class Levels:
    """The rules that are applied, once all choices are heard.

    >>> error, ignore = ("redundant-bias",), ("large-dense",)
    >>> levels = Levels([RuleSelection(error=error), RuleSelection(ignore=ignore)])
    >>> levels.applies("redundant-bias"), levels.applies("large-dense")
    (True, False)

    Args:
        choices: From the most general to the most specific.
    """

    def __init__(self, choices: Sequence[RuleSelection]) -> None:
        applied = {name: name not in OFF_BY_DEFAULT for name in LEVELS}
        self._levels: dict[str, Level] = {}
        for choice in choices:
            if choice.select is not None:
                selected = LEVELS if ALL in choice.select else choice.select
                applied = dict.fromkeys(LEVELS, False) | dict.fromkeys(selected, True)
            applied |= dict.fromkeys((*choice.warning, *choice.error), True)
            self._levels |= dict.fromkeys(choice.warning, "warning")
            self._levels |= dict.fromkeys(choice.error, "error")
            applied |= dict.fromkeys(choice.ignore, False)
        self._applied = applied
        self.names = tuple(name for name in LEVELS if applied[name])

    def applies(self, name: str) -> bool:
        """Whether findings of this name are shown; what no rule finds is always shown."""
        return self._applied.get(name, True)

    def judged(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that are shown, each at the level that was chosen for its rule."""
        return [
            replace(finding, level=self._levels[finding.rule])
            if finding.rule in self._levels
            else finding
            for finding in findings
            if self.applies(finding.rule)
        ]


@cache
def chosen(*choices: RuleSelection) -> Levels:
    """The rules that choices leave, from the most general to the most specific."""
    return Levels(choices)


def unknown(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a rule, and what to do; None where there is such a rule."""
    if name in LEVELS:
        return None
    near = did_you_mean(name, LEVELS)
    advice = f"did you mean `{near}`?" if near else "`cnnkit rule` lists them"
    return f"there is no rule `{name}`", advice
