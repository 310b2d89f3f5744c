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
    shown = [each for each in command.params if not getattr(each, "hidden", False)]
    places = [_place(each) for each in shown if each.param_type_name == "argument"]
    yield f"```text\n{' '.join([name, *places, '[OPTIONS]'])}\n```"
    records = [record for each in shown if (record := each.get_help_record(context))]
    yield "\n".join(f"- `{_line(called)}`: {_line(help_)}" for called, help_ in records)
    for own in getattr(command, "commands", {}):
        yield from _page(command.commands[own], f"{name} {own}", f"{level}#")


def _place(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _line(text: str) -> str:
    return " ".join(text.split())
