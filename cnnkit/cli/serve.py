"""``cnnkit serve``: a trained network behind an HTTP endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.network import network_of
from cnnkit.cli.options import CheckpointName, CheckpointOption, WeightsOption


def serve(
    run: Annotated[
        Path, typer.Argument(metavar="RUN|SPEC", help="A run's folder, or a spec with --weights.")
    ],
    weights: WeightsOption = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 takes requests from elsewhere.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 8000,
    checkpoint: CheckpointOption = CheckpointName.best,
    max_batch: Annotated[
        int, typer.Option(min=1, max=1024, help="The inputs that are computed together, at most.")
    ] = 32,
    max_queue: Annotated[
        int, typer.Option(min=1, max=1000, help="The requests at once; more are refused, 429.")
    ] = 128,
    max_size: Annotated[
        int, typer.Option(min=1, max=1024, metavar="MIB", help="Of a request's body.")
    ] = 16,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="That a request may take.")
    ] = 30.0,
) -> None:
    """Answer requests over HTTP: POST JSON or images to /predict; / describes the interface.

    SIGTERM and Ctrl+C end it when the requests that it has begun are answered.

    Example: cnnkit serve runs/digits --port 8000
    """
    trained = network_of(run, weights, checkpoint)
    from cnnkit.serving.application import application
    from cnnkit.serving.limits import Limits
    from cnnkit.serving.server import serve as served

    name = trained.spec.name or run.stem
    limits = Limits(max_size * 2**20, timeout, max_queue, batch=max_batch)

    def listening(address: str) -> None:
        typer.echo(f"serving {name} at {address}; end it with Ctrl+C")

    served(application(trained, name, limits), host, port, listening=listening)
