"""What the doctor found, as text for a terminal or a log, or as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnkit.doctor import Examination, Fact

_MARKS = {"good": ("✓", "green"), "missing": ("✗", "bold red"), "info": ("·", "cyan")}
_TITLES = {"onednn": "oneDNN"}


def write(examination: Examination, format_: str) -> None:
    """Print an examination as a table or as JSON."""
    if format_ == "json":
        sys.stdout.write(json.dumps(examination.to_dict(), indent=2) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for column in ("group", "mark", "name"):
        table.add_column(column, no_wrap=True)
    table.add_column("found", overflow="fold")
    group = ""
    for fact in examination.facts:
        mark, style = _MARKS[fact.level]
        title = "" if fact.group == group else _TITLES.get(fact.group, fact.group)
        group = fact.group
        table.add_row(Text(title, "bold"), Text(mark, style), Text(fact.name), Text(_found(fact)))
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a log wraps its own lines
    with console.capture() as capture:
        console.print(table)
    lines = capture.get().splitlines()
    sys.stdout.write("\n".join(line.rstrip() for line in lines) + "\n")


def _found(fact: Fact) -> str:
    return f"{fact.value} → {fact.advice}" if fact.advice else fact.value
