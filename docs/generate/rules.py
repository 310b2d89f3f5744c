"""A page a rule, as ``cnnkit rule`` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from cnnkit import rules
from generate.page import listed

_FOLDER = "reference/rules"
_INTRODUCTION = """\
# Rules

What `cnnkit check` finds. `rules:` in a spec, or a project's configuration, turns rules on and off
and sets their levels; `cnnkit rule NAME` prints a page.

| rule | level | what it finds |
|---|---|---|
"""


def files() -> Iterator[tuple[str, str]]:
    """The pages, and the page that lists them."""
    found = [rules.rule(name) for name in rules.LEVELS]
    rows = "".join(
        f"| [`{rule.name}`]({rule.name}.md) | {_level(rule)} | {rule.summary} |\n" for rule in found
    )
    yield f"{_FOLDER}/index.md", _INTRODUCTION + rows
    for rule in found:
        yield f"{_FOLDER}/{rule.name}.md", _page(rule)


def _level(rule: rules.Rule) -> str:
    return rule.level if rule.default else f"{rule.level}, off"


def _page(rule: rules.Rule) -> str:
    state = f"{rule.level}, {'on' if rule.default else 'off'} by default"
    mended = "; `cnnkit check --fix` mends it" if rule.fix else ""
    return listed(f"# {rule.name}\n\n{state}{mended}\n\n{rule.page}", "[All rules](index.md)")
