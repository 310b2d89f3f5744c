"""``cnnkit report``: the page of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.errors import UsageError


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: report.html in the run."),
    ] = None,
) -> None:
    """Write the page of a run: one HTML file with its figures, curves, classes and spec.

    Example: cnnkit report runs/digits
    """
    from cnnkit.training.store.directory import RunDirectory
    from cnnkit.training.view.page import write_page

    directory = RunDirectory.open(run)
    try:
        typer.echo(str(write_page(directory, output)))
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
