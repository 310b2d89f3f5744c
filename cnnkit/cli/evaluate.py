"""``cnnkit evaluate``: a trained network measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import (
    Checkpoint,
    CheckpointOption,
    DataDirOption,
    Device,
    Format,
    FormatOption,
)


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Measure on other data: a known name, a folder of images, an .npz or .csv. "
            "Default: the run's own test split, which counts as a look at it.",
        ),
    ] = None,
    checkpoint: CheckpointOption = Checkpoint.best,
    data_dir: DataDirOption = None,
    device: Annotated[
        Device | None, typer.Option(help="What to compute on. Default: as in the run.")
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """Measure the network of a run on its test split, which this opens, or on other data.

    Example: cnnkit evaluate runs/digits
    """
    from cnnkit.cli.data import data_of
    from cnnkit.training import train  # noqa: F401 - says which package is missing
    from cnnkit.training.options import options_of
    from cnnkit.training.store.directory import RunDirectory
    from cnnkit.training.use.evaluation import evaluate as evaluated

    options = options_of(RunDirectory.open(run), data_dir, None if device is None else device.value)
    source = None if data is None else data_of(data)
    found = evaluated(run, options, data=source, which=checkpoint.value)
    for problem in found.problems:
        typer.echo(f"cnnkit: {problem}; another checkpoint is taken", err=True)
    for warning in found.warnings:
        typer.echo(f"cnnkit: warning: {warning}", err=True)
    if format_ is Format.json:
        import json

        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    from cnnkit.training.view.conclusion import measured_lines

    for line in measured_lines({"test": found.figures, "best_epoch": found.epoch}):
        typer.echo(line)
    if found.look is not None:
        from cnnkit.training.store.looks import look_text

        typer.echo("")
        typer.echo(look_text(found.look, list(found.looks)))
