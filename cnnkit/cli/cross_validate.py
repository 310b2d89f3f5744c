"""``cnnkit cross-validate``: k folds, each predicted by a network that never saw it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import (
    AssignmentsOption,
    DataDirOption,
    Device,
    DeviceOption,
    QuietOption,
)
from cnnkit.cli.sources import trainable_spec


def cross_validate(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A YAML or JSON file with `train:`.")],
    folds: Annotated[int, typer.Option(min=2, help="How many.")] = 10,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where to keep the folds; what is there goes on. Default: runs/NAME-folds.",
        ),
    ] = None,
    side_by_side: Annotated[
        int | None,
        typer.Option(min=1, help="Folds that are trained at once. Default: what fits the device."),
    ] = None,
    random_labels: Annotated[
        bool,
        typer.Option(
            "--random-labels", help="Deal the labels out at random: finds what leaks into a fold."
        ),
    ] = False,
    data_dir: DataDirOption = None,
    device: DeviceOption = Device.auto,
    quiet: QuietOption = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Cross-validate a spec: mean and deviation over folds, the test split left sealed.

    Example: cnnkit cross-validate specs/digits.yaml --folds 10
    """
    network = trainable_spec(spec, assignments or [], quiet=quiet)
    from cnnkit.selection import FoldOptions, cross_validated, fold_lines

    options = FoldOptions(
        folds=folds,
        run_dir=run_dir,
        side_by_side=side_by_side,
        random_labels=random_labels,
        data_dir=data_dir,
        device=device.value,
        quiet=quiet,
    )
    try:
        path, found = cross_validated(network, options)
    except KeyboardInterrupt:
        typer.echo(
            "ended by Ctrl-C; the folds that are done are kept: go on by the same command", err=True
        )
        raise
    for line in () if quiet else fold_lines(found, path):
        typer.echo(line)
    failed = any(fold.failed is not None for fold in found.folds)
    raise typer.Exit(1 if failed or not found.passed else 0)
