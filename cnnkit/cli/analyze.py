"""``cnnkit analyze``: the report of specs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cnnkit.cli.options import (
    AssignmentsOption,
    BatchOption,
    OptimizerOption,
    OutputOption,
    Precision,
    PrecisionOption,
    one_of,
)
from cnnkit.report.formats import FORMATS, format_of

STDIN = "-"


class ConventionName(StrEnum):
    """Whose count of operations to show beside ours."""

    torchvision = "torchvision"
    fvcore = "fvcore"
    thop = "thop"
    ptflops = "ptflops"
    torchinfo = "torchinfo"


def analyze(
    specs: Annotated[
        list[str],
        typer.Argument(metavar="SPEC…", help="YAML or JSON files, or models; `-` reads stdin."),
    ],
    format_: Annotated[
        str | None,
        one_of(FORMATS, "--format", "-f", help="Default: table, or what --output ends with."),
    ] = None,
    output: OutputOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how each number comes about.")
    ] = False,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Levels of nested layers to show.")
    ] = None,
    to_scale: Annotated[
        bool,
        typer.Option("--to-scale", help="Draw extents and channels in proportion, not by log."),
    ] = False,
    batch: BatchOption = 1,
    precision: PrecisionOption = Precision.float32,
    optimizer: OptimizerOption = "adam",
    convention: Annotated[
        ConventionName | None, typer.Option(help="Also give the count of this tool.")
    ] = None,
    machine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Estimate the time on a known machine, or on that of `doctor --measure`'s file.",
        ),
    ] = None,
    assignments: AssignmentsOption = None,
) -> None:
    """Analyse specs: shapes, neurons, parameters, cost, memory and receptive field.

    Example: cnnkit analyze specs/lectures/rgb-valid-4-classes.yaml --explain
    """
    from cnnkit import report
    from cnnkit.cli.sources import analyses_of, open_analyses
    from cnnkit.errors import UsageError

    chosen = format_ or format_of(output, FORMATS)
    analyses = analyses_of(
        specs,
        assignments or [],
        batch=batch,
        precision=precision.value,
        optimizer=optimizer,
        convention=convention.value if convention else None,
        machine=machine,
    )
    if opened := open_analyses(specs, analyses, assignments or [], depth):
        from cnnkit.report.extents import write

        if len(opened) < len(specs):
            raise UsageError("specs with open extents, such as HxWx3, are analysed by themselves")
        write(opened, chosen, output, explain=explain)
        raise typer.Exit(0 if all(each.exact for each in opened) else 1)
    report.write(analyses, chosen, output, depth=depth, explain=explain, to_scale=to_scale)
    raise typer.Exit(0 if all(analysis.ok for analysis in analyses) else 1)
