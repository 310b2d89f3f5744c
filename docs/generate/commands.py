"""A page a command, of what its ``--help`` says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from cnnkit.cli import COMMANDS, application
from generate.page import listed

_FOLDER = "reference/commands"


def files() -> Iterator[tuple[str, str]]:
    """The pages; ``reference/commands.md`` lists them."""
    program: Any = typer.main.get_command(application())
    for name in COMMANDS:
        text = "\n\n".join(_page(program.commands[name], f"cnnkit {name}", "#"))
        yield f"{_FOLDER}/{name}.md", listed(text, "[All commands](../commands.md)")


def _page(command: Any, name: str, level: str) -> Iterator[str]:
    """What the command does, how it is called, its arguments and options; then those of its own."""
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"{level} {name}"
    for paragraph in (command.help or "").split("\n\n"):
        text = " ".join(paragraph.split())
        example = text.removeprefix("Example: ")
        yield text if example == text else f"```sh\n{example}\n```"
    yield f"```text\n{context.get_usage()}\n```"
    records = [
        record
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        and (record := parameter.get_help_record(context))
    ]
    if records:
        rows = [f"| `{_cell(called)}` | {_cell(help_)} |" for called, help_ in records]
        yield "\n".join(["| argument or option | |", "|---|---|", *rows])
    for own in getattr(command, "commands", {}):
        yield from _page(command.commands[own], f"{name} {own}", f"{level}#")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
