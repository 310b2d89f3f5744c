"""The command line: one file a command. Each parses, calls one function, prints, and exits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from keyword import iskeyword
from types import MappingProxyType
from typing import Annotated

import typer

from cnnkit import __version__

# Whether the command takes arguments without which it shows its help.
COMMANDS: Mapping[str, bool] = MappingProxyType(
    {
        "analyze": True,
        "check": True,
        "diff": True,
        "solve": True,
        "rule": False,
        "kind": False,
        "schema": False,
        "new": True,
        "doctor": False,
        "verify": True,
        "convert": True,
        "export": True,
        "import": True,
        "import-weights": True,
        "activations": True,
        "train": True,
        "launch": True,
        "evaluate": True,
        "retrain": True,
        "predict": True,
        "serve": True,
        "runs": False,
        "report": True,
        "cross-validate": True,
        "search": True,
        "compare": True,
        "data": True,
        "exercises": False,
        "playground": False,
    }
)
"""The commands; each is the function of its name in the module of its name, or a group of them.
A name that is a word of Python has an underscore behind it there."""


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with some of its commands.

    Typer reads the signatures of all commands that it is given, which takes longer than most of
    them run: whoever knows which command is asked for names that one.
    """
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(cnnkit)
    for name in names:
        function = name.replace("-", "_")
        if iskeyword(function):
            function += "_"
        command = getattr(import_module(f"cnnkit.cli.{function}"), function)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, no_args_is_help=COMMANDS[name])(command)
    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cnnkit {__version__}")
        raise typer.Exit


def cnnkit(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A calculator for convolutional networks, written as a YAML stack of layers.

    Example: cnnkit analyze specs/lectures/rgb-valid-4-classes.yaml
    """
