"""``cnnkit retrain``: the last training of a network that has been chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import DataDirOption, Device, QuietOption
from cnnkit.cli.train import display_of, finished


def retrain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a finished run.")],
    run_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to keep the new run. Default: RUN-final."),
    ] = None,
    data_dir: DataDirOption = None,
    device: Annotated[
        Device | None, typer.Option(help="What to compute on. Default: as in the run.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Train a run's network on training and validation examples, and open the test split.

    It trains for as many epochs as the validation found best. This is the last step: choose first.

    Example: cnnkit retrain runs/digits
    """
    from cnnkit.training import retrain as retrained
    from cnnkit.training.options import options_of
    from cnnkit.training.store.directory import RunDirectory

    options = options_of(
        RunDirectory.open(run, "training"), data_dir, None if device is None else device.value
    )
    with display_of(quiet) as display:
        code = finished(retrained(run, run_dir=run_dir, options=options, display=display))
    raise typer.Exit(code)
