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
    """Write the page of a run, a cross-validation or a search: one HTML file that shows it all.

    Example: cnnkit report runs/digits
    """
    from cnnkit.training.store.directory import RunDirectory

    directory = RunDirectory.open(run)
    if directory.kind in ("cross-validation", "search"):
        from cnnkit.selection import write_page
    else:
        from cnnkit.training.view.page import write_page
    try:
        typer.echo(str(write_page(directory, output)))
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
