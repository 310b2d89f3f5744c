"""``cnnkit rule``: the page of a rule, or the list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cnnkit.rules import Rule


def rule(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The rule; all of them if left out.")
    ] = None,
) -> None:
    """Explain a rule: what it finds, why that is a fault, and what to write instead.

    Example: cnnkit rule redundant-bias
    """
    from cnnkit import rules
    from cnnkit.checking.levels import unknown
    from cnnkit.cli.page import print_page
    from cnnkit.errors import UsageError

    if name is None:
        _print_list([rules.rule(each) for each in rules.LEVELS])
        return
    if fault := unknown(name):
        raise UsageError("; ".join(fault))
    found = rules.rule(name)
    state = f"{found.level}, {'on' if found.default else 'off'} by default"
    mended = "; `cnnkit check --fix` mends it" if found.fix else ""
    print_page(f"# {name}\n\n{state}{mended}\n\n{found.page}")


def _print_list(found: list[Rule]) -> None:
    width = max(len(each.name) for each in found)
    for each in found:
        level = each.level if each.default else f"{each.level}, off"
        print(f"{each.name:{width}}  {level:12}  {each.summary}")
