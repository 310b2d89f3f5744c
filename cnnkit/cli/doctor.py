"""``cnnkit doctor``: what this machine has for training, and what is missing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from cnnkit.cli.options import DataDirOption, Format, FormatOption
from cnnkit.errors import MissingExtraError


def doctor(
    format_: FormatOption = Format.table,
    data_dir: DataDirOption = None,
    build: Annotated[
        bool, typer.Option("--build", help="First compile the oneDNN extension, with g++.")
    ] = False,
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
    examination = examine(data_dir)
    write(examination, format_.value)
    raise typer.Exit(0 if all(fact.level != "missing" for fact in examination.facts) else 1)
