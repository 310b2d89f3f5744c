"""``cnnkit train``: from a spec to a trained network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import AssignmentsOption, DataDirOption, Device, QuietOption
from cnnkit.cli.sources import trainable_spec
from cnnkit.errors import UsageError
from cnnkit.training.distributed.processes import TIMEOUT, joined, processes_of

PROCESSES = "Several processes"

if TYPE_CHECKING:
    from cnnkit.training.completion import Result
    from cnnkit.training.view.display import Display


def train(
    spec: Annotated[
        str | None, typer.Argument(metavar="SPEC", help="A YAML or JSON file with `train:`.")
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to keep the run. Default: runs/NAME."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was ended.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(metavar="FILE|RUN", help="The weights to begin with, in place of `init`."),
    ] = None,
    data_dir: DataDirOption = None,
    device: Annotated[
        Device | None, typer.Option(help="What to compute on. Default: the best there is.")
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Two epochs of two steps, to see that all works.")
    ] = False,
    overfit_batch: Annotated[
        bool,
        typer.Option("--overfit-batch", help="See whether the network learns one batch by heart."),
    ] = False,
    verify_resume: Annotated[
        bool,
        typer.Option("--verify-resume", help="Prove that a killed run ends in the same bits."),
    ] = False,
    coordinator: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            envvar="CNNKIT_COORDINATOR",
            help="Where the first of several processes is found.",
            rich_help_panel=PROCESSES,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            envvar="CNNKIT_PROCESSES",
            help="How many processes train together. Default: as the cluster says.",
            rich_help_panel=PROCESSES,
        ),
    ] = None,
    process_id: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="K",
            envvar="CNNKIT_PROCESS_ID",
            help="Which of them this one is, from 0 on.",
            rich_help_panel=PROCESSES,
        ),
    ] = None,
    timeout: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="SECONDS",
            envvar="CNNKIT_TIMEOUT",
            help="After which a process that is silent counts as lost.",
            rich_help_panel=PROCESSES,
        ),
    ] = TIMEOUT,
    quiet: QuietOption = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Train a network as its spec says, and measure it on the validation split.

    Example: cnnkit train specs/digits.yaml
    """
    several = processes_of(coordinator, processes, process_id, timeout)
    if several is not None and (overfit_batch or verify_resume):
        raise UsageError("--overfit-batch and --verify-resume are proofs of one process alone")
    if resume is not None:
        _only_resume(spec, run_dir, smoke or overfit_batch or verify_resume or init is not None)
        epochs = _more_epochs(assignments or [])
        with joined(several), display_of(quiet) as display:
            code = _resumed(resume, epochs, data_dir, device, display)
        raise typer.Exit(code)
    if spec is None:
        raise UsageError("name the spec to train, such as specs/digits.yaml, or --resume RUN")
    # As an assignment: a path of the command line is seen from where the command runs.
    begun = [] if init is None else [f"train.init={dumps(init)}"]
    network = trainable_spec(spec, [*(assignments or []), *begun], quiet=quiet)
    from cnnkit.training import Options
    from cnnkit.training import train as run

    options = Options(data_dir=data_dir, device=(device or Device.auto).value)
    with joined(several), display_of(quiet) as display:
        if overfit_batch:
            from cnnkit.training.proof.overfit import overfit_batch as overfit

            code = 0 if overfit(network, options, display) else 1
        elif verify_resume:
            from cnnkit.training.proof.resume import verify_resume as verify

            code = 0 if verify(network, options, display) else 1
        elif smoke:
            from cnnkit.training.proof.smoke import smoke as try_out

            code = finished(try_out(network, run_dir, options, display))
        else:
            code = finished(run(network, run_dir=run_dir, options=options, display=display))
    raise typer.Exit(code)


@contextmanager
def display_of(quiet: bool) -> Iterator[Display]:
    """Whom a training tells of itself, until it ends."""
    from cnnkit.training.view.display import make_display

    display = make_display(quiet=quiet)
    try:
        yield display
    finally:
        display.close()


_AS_BEGUN = (
    "--resume goes on with a run as it was begun, from its own spec: beside it there may only be "
    "--data-dir, --device, --quiet and more epochs, `--set train.epochs=60`; for another recipe "
    "begin a new run"
)


def _only_resume(spec: str | None, run_dir: Path | None, other: bool) -> None:
    if spec is not None or run_dir is not None or other:
        raise UsageError(_AS_BEGUN)


def _more_epochs(assignments: list[str]) -> int | None:
    """The epochs that a run is to have in all, where that is said."""
    if not assignments:
        return None
    name, _, value = assignments[-1].partition("=")
    if len(assignments) > 1 or name.strip() != "train.epochs" or not value.strip().isdecimal():
        raise UsageError(_AS_BEGUN)
    return int(value)


def _resumed(
    run: Path, epochs: int | None, data_dir: Path | None, device: Device | None, display: Display
) -> int:
    from cnnkit.training import resume
    from cnnkit.training.options import options_of
    from cnnkit.training.store.directory import RunDirectory

    options = options_of(RunDirectory.open(run), data_dir, None if device is None else device.value)
    return finished(resume(run, epochs=epochs, options=options, display=display))


def finished(result: Result) -> int:
    """The exit code of a run."""
    return result.interruption.exit_code if result.summary is None else 0
