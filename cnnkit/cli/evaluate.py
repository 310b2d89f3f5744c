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
    WeightsOption,
)


def evaluate(
    run: Annotated[
        Path, typer.Argument(metavar="RUN|SPEC", help="A run's folder, or a spec with --weights.")
    ],
    weights: WeightsOption = None,
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

    With --weights the network of a spec.

    Example: cnnkit evaluate runs/digits
    """
    from cnnkit.cli.data import data_of
    from cnnkit.cli.sources import readable_spec, weights_for
    from cnnkit.training import train  # noqa: F401 - says which package is missing
    from cnnkit.training.options import Options, options_of
    from cnnkit.training.store.directory import RunDirectory
    from cnnkit.training.use.evaluation import evaluate as evaluated
    from cnnkit.training.use.evaluation import evaluate_weights

    source = None if data is None else data_of(data)
    file = weights_for(str(run), weights)
    if file is None:
        kept = RunDirectory.open(run)
        options = options_of(kept, data_dir, None if device is None else device.value)
        found = evaluated(run, options, data=source, which=checkpoint.value)
    else:
        from cnnkit.training.use.weights import weights_of_file

        ours = weights_of_file(readable_spec(str(run)), file)
        options = Options(data_dir=data_dir, device=(device or Device.auto).value)
        found = evaluate_weights(ours, file, options, data=source)
    for problem in found.problems:
        typer.echo(f"cnnkit: {problem}; another checkpoint is taken", err=True)
    for warning in found.warnings:
        typer.echo(f"cnnkit: warning: {warning}", err=True)
    if format_ is Format.json:
        import json

        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    from cnnkit.training.view.conclusion import measured_lines

    for line in measured_lines("test", found.figures, found.epoch):
        typer.echo(line)
    if found.look is not None:
        from cnnkit.training.store.looks import look_text

        typer.echo("")
        typer.echo(look_text(found.look, list(found.looks)))
