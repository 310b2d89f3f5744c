"""``cnnkit doctor``: what this machine has for training, and what is missing."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import DataDirOption, Format, FormatOption
from cnnkit.errors import MissingExtraError, UsageError


def doctor(
    format_: FormatOption = Format.table,
    data_dir: DataDirOption = None,
    build: Annotated[
        bool, typer.Option("--build", help="First compile the oneDNN extension, with g++.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Measure this machine's rates instead, for `analyze --machine FILE`: minutes.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="With --measure: write the rates to this file."),
    ] = None,
) -> None:
    """Say what this machine has for training: versions, devices, oneDNN, caches, data, speed.

    Exits with 1 where something is missing that training would use.

    Example: cnnkit doctor
    """
    from cnnkit.doctor import examine
    from cnnkit.report.doctor import write

    if build:
        if find_spec("jax") is None:
            raise MissingExtraError("the extension needs JAX: pip install 'cnnkit[train,onednn]'")
        from cnnkit.network.kernels.onednn.build import build as compile_extension

        typer.echo(f"built {compile_extension()}", err=True)
    if measure:
        _measure(output)
        return
    if output is not None:
        raise UsageError("--output is of --measure: the examination goes to standard output")
    examination = examine(data_dir)
    write(examination, format_.value)
    raise typer.Exit(0 if all(fact.level != "missing" for fact in examination.facts) else 1)


def _measure(output: Path | None) -> None:
    """Write this machine's rates to a file, or to standard output."""
    if find_spec("jax") is None:
        raise MissingExtraError("to measure needs JAX: pip install 'cnnkit[train]'")
    from cnnkit.doctor.measuring.here import measured_here
    from cnnkit.presentation.output import put_text

    if output is not None and not output.parent.is_dir():
        raise UsageError(f"cannot write {output}: there is no folder {output.parent}")
    machine = measured_here(tell=lambda line: typer.echo(line, err=True))
    put_text(f"{machine.model_dump_json(indent=2, exclude_none=True)}\n", output)
