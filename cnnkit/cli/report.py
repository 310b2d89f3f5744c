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
    attributions: Annotated[
        bool,
        typer.Option(
            "--attributions", help="Also show which pixels the surest wrong answers came from."
        ),
    ] = False,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Follow runs, or folders of runs, in the browser instead."),
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of --serve; 0 takes one that is free.")
    ] = 0,
) -> None:
    """Write the page of a run, a cross-validation or a search: one HTML file that shows it all.

    Several trainings are laid over one another on one page. With --serve the pages of runs that
    are still training follow them, on the loopback.

    Example: cnnkit report runs/digits
    """
    if attributions and (serve or len(runs) > 1):
        raise UsageError("--attributions is of the page of one run: name that run alone")
    if serve:
        _follow(runs, output, port)
        return
    if attributions:
        from cnnkit.training.use.attribution import write_attributions

        write_attributions(runs[0])
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


def _follow(folders: list[Path], output: Path | None, port: int) -> None:
    """Serves the pages of runs until it is interrupted."""
    from cnnkit.selection import follow

    if output is not None:
        raise UsageError("--serve shows pages, and --output writes one: leave one of them out")
    follow(
        folders,
        port,
        lambda address: print(f"the runs are at {address}; Ctrl-C ends it", flush=True),
    )
