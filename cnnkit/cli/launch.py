"""``cnnkit launch``: a training as several processes of this machine."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cnnkit.training.distributed.launch import launch as launched
from cnnkit.training.distributed.processes import TIMEOUT


def launch(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="-- train …", help="The command that each process runs."),
    ],
    processes: Annotated[
        int, typer.Option("--processes", "-n", min=1, metavar="N", help="How many.")
    ] = 2,
    restarts: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="How often the run goes on by itself, a process being lost."
        ),
    ] = 0,
    timeout: Annotated[
        int,
        typer.Option(
            min=1, metavar="SECONDS", help="After which a process that is silent counts as lost."
        ),
    ] = TIMEOUT,
) -> None:
    """Train by several processes of this machine, which share out its devices.

    Example: cnnkit launch -n 2 -- train specs/digits.yaml
    """

    def tell(text: str) -> None:
        print(f"cnnkit: {text}", file=sys.stderr)

    raise typer.Exit(launched(arguments, processes, timeout=timeout, restarts=restarts, tell=tell))
