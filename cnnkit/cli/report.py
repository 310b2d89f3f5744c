"""``cnnkit report``: the page of a run, or of several laid over one another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.errors import UsageError


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="The directories of runs.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default: report.html in the run; of several runs it has to be given.",
        ),
    ] = None,
) -> None:
    """Write the page of a run, a cross-validation or a search: one HTML file that shows it all.

    Several trainings are laid over one another on one page.

    Example: cnnkit report runs/digits
    """
    try:
        typer.echo(str(_written(runs, output)))
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error


def _written(runs: list[Path], output: Path | None) -> Path:
    """Writes the page of the runs; returns where."""
    from cnnkit.training.store.directory import RunDirectory

    if len(runs) > 1:
        from cnnkit.training.view.overlay import write_overlay

        return write_overlay(runs, output)
    directory = RunDirectory.open(runs[0])
    if directory.kind in ("cross-validation", "search"):
        from cnnkit.selection import write_page
    else:
        from cnnkit.training.view.page import write_page
    return write_page(directory, output)
