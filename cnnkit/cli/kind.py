"""``cnnkit kind``: the page of a kind of layer, or the list of them."""

from __future__ import annotations

from typing import Annotated

import typer


def kind(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The kind; all of them if left out.")
    ] = None,
) -> None:
    """Explain a kind of layer: its fields, formulas and weights, with an example.

    Example: cnnkit kind max_pool
    """
    from cnnkit.cli.page import print_page
    from cnnkit.errors import UsageError
    from cnnkit.layers import KINDS
    from cnnkit.report.kind import kind_page
    from cnnkit.spec.language.names import kind_advice

    if name is None:
        _print_list()
        return
    if name not in KINDS:
        raise UsageError(f"there is no kind `{name}`; {kind_advice(name)}")
    print_page(kind_page(name))


def _print_list() -> None:
    from cnnkit.layers import FAMILIES, KINDS
    from cnnkit.report.kind import kind_summary

    width = max(map(len, KINDS))
    for number, (family, kinds) in enumerate(FAMILIES.items()):
        print(f"\n{family}" if number else family)
        for each in kinds:
            print(f"  {each:{width}}  {kind_summary(each)}")
