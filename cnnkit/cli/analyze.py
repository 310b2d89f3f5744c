"""``cnnkit analyze``: the report of specs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

STDIN = "-"


class Format(StrEnum):
    """What a report can be written as."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    html = "html"
    svg = "svg"


class Precision(StrEnum):
    """What activations are computed in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"
    float64 = "float64"


class Optimizer(StrEnum):
    """Whose state training keeps."""

    sgd = "sgd"
    momentum = "momentum"
    nesterov = "nesterov"
    adam = "adam"
    adamw = "adamw"
    nadam = "nadam"
    rmsprop = "rmsprop"
    adagrad = "adagrad"
    lamb = "lamb"
    lion = "lion"
    muon = "muon"


class Convention(StrEnum):
    """Whose count of operations to show beside ours."""

    torchvision = "torchvision"
    fvcore = "fvcore"
    thop = "thop"
    ptflops = "ptflops"
    torchinfo = "torchinfo"


_SUFFIXES = {
    ".json": Format.json,
    ".csv": Format.csv,
    ".md": Format.markdown,
    ".markdown": Format.markdown,
    ".html": Format.html,
    ".htm": Format.html,
    ".svg": Format.svg,
}


def analyze(
    specs: Annotated[
        list[str], typer.Argument(metavar="SPEC…", help="YAML or JSON files; `-` reads stdin.")
    ],
    format_: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="Default: table, or what --output ends with."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report to this file.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how each number comes about.")
    ] = False,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Levels of nested layers to show.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Examples at once, for the memory.")] = 1,
    precision: Annotated[
        Precision, typer.Option(help="Of the activations, for the memory.")
    ] = Precision.float32,
    optimizer: Annotated[
        Optimizer, typer.Option(help="Whose state training keeps, for the memory.")
    ] = Optimizer.adam,
    convention: Annotated[
        Convention | None, typer.Option(help="Also give the count of this tool.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Set a value: variables.k=5."),
    ] = None,
) -> None:
    """Analyse specs: shapes, neurons, parameters, cost, memory and receptive field.

    Example: cnnkit analyze specs/lectures/rgb-valid-4-classes.yaml --explain
    """
    from cnnkit import report
    from cnnkit.cli.sources import analyses_of

    chosen = format_ or _SUFFIXES.get(output.suffix.lower() if output else "", Format.table)
    analyses = analyses_of(
        specs,
        assignments or [],
        batch=batch,
        precision=precision.value,
        optimizer=optimizer.value,
        convention=convention.value if convention else None,
    )
    report.write(analyses, chosen.value, output, depth=depth, explain=explain)
    raise typer.Exit(0 if all(analysis.ok for analysis in analyses) else 1)
