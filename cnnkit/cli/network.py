"""The trained network that a command line names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cnnkit.cli.options import CheckpointName

if TYPE_CHECKING:
    from cnnkit.training.use.trained import Trained


def network_of(run: Path, weights: Path | None, checkpoint: CheckpointName) -> Trained:
    """The network of a run, or of a spec and a file of weights; what is wrong with it is told.

    Raises:
        SpecError: The spec has faults, or the weights are of another network.
        UsageError: There is a run and a file of weights, or a spec and none.
    """
    from cnnkit.cli.sources import readable_spec, weights_for
    from cnnkit.training import load_run

    file = weights_for(str(run), weights)
    if file is not None:
        from cnnkit.training.use.weights import trained_of, weights_of_file

        return trained_of(weights_of_file(readable_spec(str(run)), file), file)
    trained = load_run(run, checkpoint.value)
    for problem in trained.problems:
        typer.echo(f"cnnkit: {problem}; another checkpoint is taken", err=True)
    return trained
