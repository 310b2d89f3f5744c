"""``cnnkit evaluate``: a trained network measured again."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.train import DataDirOption, Device


class Which(StrEnum):
    """Whose weights."""

    best = "best"
    last = "last"


class Format(StrEnum):
    """What the figures are written as."""

    table = "table"
    json = "json"


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Measure on other data: a known name, a folder of images, an .npz or .csv. "
            "Default: the run's own test split.",
        ),
    ] = None,
    checkpoint: Annotated[
        Which, typer.Option(help="The weights of the best or of the last epoch.")
    ] = Which.best,
    data_dir: DataDirOption = None,
    device: Annotated[
        Device | None, typer.Option(help="What to compute on. Default: as in the run.")
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", "-f", help="How to write the figures.")
    ] = Format.table,
) -> None:
    """Measure the network of a run on its test split, or on other data.

    Example: cnnkit evaluate runs/digits
    """
    from cnnkit.cli.data import data_of
    from cnnkit.training import Options  # noqa: F401 - says which package is missing
    from cnnkit.training.evaluation import evaluate as evaluated
    from cnnkit.training.run import options_of
    from cnnkit.training.rundir import RunDirectory

    kept = options_of(RunDirectory.open(run))
    options = replace(
        kept,
        data_dir=data_dir or kept.data_dir,
        device=kept.device if device is None else device.value,
    )
    source = None if data is None else data_of(data)
    found = evaluated(run, options, data=source, which=checkpoint.value)
    for problem in found.problems:
        typer.echo(f"cnnkit: {problem}; another checkpoint is taken", err=True)
    if format_ is Format.json:
        import json

        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    from cnnkit.training.conclusion import measured_lines

    for line in measured_lines({"test": found.figures, "best_epoch": found.epoch}):
        typer.echo(line)
