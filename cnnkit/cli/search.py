"""``cnnkit search``: hyperparameters by the protocol: search, retrain, and one look at the test."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnkit.cli.options import (
    AssignmentsOption,
    DataDirOption,
    Device,
    DeviceOption,
    QuietOption,
)
from cnnkit.cli.sources import trainable_spec

if TYPE_CHECKING:
    from cnnkit.selection import SearchOptions


class Method(StrEnum):
    """How choices are made."""

    tpe = "tpe"
    random = "random"
    grid = "grid"
    halving = "halving"


def search(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A YAML or JSON file with `search:`.")
    ],
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many, of all processes. Default: 30.")
    ] = None,
    method: Annotated[Method | None, typer.Option(help="Default: tpe.")] = None,
    objectives: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            metavar="NAME",
            help="accuracy, loss, parameters, macs …; several give a Pareto front.",
        ),
    ] = None,
    budgets: Annotated[
        list[str] | None,
        typer.Option("--budget", metavar="TOTAL=FIGURE", help="An upper bound: parameters=100k."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="K", help="Judge trials by the mean over K folds, not the validation."
        ),
    ] = None,
    pruning: Annotated[
        bool | None,
        typer.Option("--pruning/--no-pruning", help="Whether trials that lag behind are ended."),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where to keep the study; what is there goes on. Default: runs/NAME-search.",
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="What to share: postgresql://…, journal://…, grpc://… Default: a file in the run.",
        ),
    ] = None,
    study: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name there. Default: the network's.")
    ] = None,
    nested: Annotated[
        int | None,
        typer.Option(min=2, metavar="K", help="Judge the search itself over K outer folds."),
    ] = None,
    pick: Annotated[
        int | None, typer.Option(min=0, metavar="TRIAL", help="Retrain this trial, not the best.")
    ] = None,
    look_again: Annotated[
        bool, typer.Option("--look-again", help="Read the test split for another network, too.")
    ] = False,
    trials_only: Annotated[
        bool, typer.Option("--trials-only", help="Leave the test split sealed.")
    ] = False,
    data_dir: DataDirOption = None,
    device: DeviceOption = Device.auto,
    quiet: QuietOption = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Search hyperparameters on the validation split; retrain the best, and test it once.

    The same command again goes on with a search, also from several terminals at once.

    Example: cnnkit search specs/digits-search.yaml --trials 30
    """
    network = trainable_spec(spec, assignments or [], quiet=quiet)
    from cnnkit.cli import figures
    from cnnkit.selection import SearchOptions

    options = SearchOptions(
        settings=_settings(trials, method, objectives, folds, pruning),
        run_dir=run_dir,
        storage=storage,
        study=study,
        budgets=dict(map(figures.bound, budgets or [])),
        look_again=look_again,
        pick=pick,
        trials_only=trials_only,
        data_dir=data_dir,
        device=device.value,
        quiet=quiet,
    )
    try:
        lines = _nested(network, nested, options) if nested else _searched(network, options)
    except KeyboardInterrupt:
        typer.echo("ended by Ctrl-C; what is done is kept: the same command goes on", err=True)
        raise
    for line in () if quiet else lines:
        typer.echo(line)


def _settings(
    trials: int | None,
    method: Method | None,
    objectives: list[str] | None,
    folds: int | None,
    pruning: bool | None,
) -> dict[str, Any]:
    """What the command line says of the spec's `settings`."""
    from pydantic import ValidationError

    from cnnkit.errors import UsageError
    from cnnkit.spec.language.faults import faults_of
    from cnnkit.spec.model.search import SearchSettings

    given: dict[str, Any] = {
        "trials": trials,
        "method": method.value if method else None,
        "objectives": tuple(objectives) if objectives else None,
        "folds": folds,
        "pruning": pruning,
    }
    given = {key: value for key, value in given.items() if value is not None}
    try:
        SearchSettings.model_validate(given)
    except ValidationError as error:
        fault = next(faults_of(error, SearchSettings, "settings"))
        raise UsageError(f"--objective: {fault.message}; {fault.help}") from None
    return given


def _searched(network: Any, options: SearchOptions) -> list[str]:
    from cnnkit.selection import search_lines, searched

    path, found = searched(network, options)
    return list(search_lines(found, path))


def _nested(network: Any, folds: int, options: SearchOptions) -> list[str]:
    from cnnkit.selection import nested_lines, nested_search

    path, found = nested_search(network, folds, options)
    return list(nested_lines(found, path))
