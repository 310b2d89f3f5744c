"""``cnnkit predict``: what a trained network says of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import (
    Checkpoint,
    CheckpointOption,
    Format,
    FormatOption,
    WeightsOption,
)


def predict(
    run: Annotated[
        Path, typer.Argument(metavar="RUN|SPEC", help="A run's folder, or a spec with --weights.")
    ],
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Images.")],
    weights: WeightsOption = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 3,
    checkpoint: CheckpointOption = Checkpoint.best,
    format_: FormatOption = Format.table,
) -> None:
    """Name the most probable classes of images; those that cannot be read are told apart.

    Example: cnnkit predict runs/cifar10 cat.jpg dog.png
    """
    from cnnkit.cli.sources import readable_spec, weights_for
    from cnnkit.training import load_run
    from cnnkit.training.use.prediction import Refused
    from cnnkit.training.use.prediction import predict as predicted

    file = weights_for(str(run), weights)
    if file is None:
        trained = load_run(run, checkpoint.value)
    else:
        from cnnkit.training.use.weights import trained_of, weights_of_file

        trained = trained_of(weights_of_file(readable_spec(str(run)), file), file)
    for problem in trained.problems:
        typer.echo(f"cnnkit: {problem}; another checkpoint is taken", err=True)
    found = predicted(trained, files, top)
    refused = 0
    if format_ is Format.json:
        import json

        listed = list(found)
        typer.echo(json.dumps([each.to_dict() for each in listed], indent=2))
        raise typer.Exit(1 if any(isinstance(each, Refused) for each in listed) else 0)
    from cnnkit.presentation.numbers import percent

    for each in found:
        if isinstance(each, Refused):
            refused += 1
            typer.echo(f"cnnkit: {each.problem}", err=True)
            continue
        named = zip(each.classes, each.values, strict=True)
        shown = (
            f"{name} {percent(value) if trained.train.loss.of_classes else f'{value:.4g}'}"
            for name, value in named
        )
        typer.echo(f"{each.file}: {', '.join(shown)}")
    if refused:
        raise typer.Exit(1)
