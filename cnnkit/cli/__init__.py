"""The command line: one file a command. Each parses, calls one function, prints, and exits."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnkit import __version__
from cnnkit.cli.analyze import analyze
from cnnkit.cli.check import check
from cnnkit.cli.diff import diff
from cnnkit.cli.new import new
from cnnkit.cli.rule import rule
from cnnkit.cli.schema import schema

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cnnkit {__version__}")
        raise typer.Exit


@app.callback()
def cnnkit(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A calculator for convolutional networks, written as a YAML stack of layers.

    Example: cnnkit analyze specs/lectures/rgb-valid-4-classes.yaml
    """


app.command(no_args_is_help=True)(analyze)
app.command(no_args_is_help=True)(check)
app.command(no_args_is_help=True)(diff)
app.command()(rule)
app.command()(schema)
app.command(no_args_is_help=True)(new)
