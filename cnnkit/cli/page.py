"""A page of Markdown: laid out on a terminal, and as it is written elsewhere."""

from __future__ import annotations

import sys


def print_page(page: str) -> None:
    """Prints a page."""
    if not sys.stdout.isatty():
        print(page)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(page))
