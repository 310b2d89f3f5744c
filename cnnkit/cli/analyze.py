"""``cnnkit analyze``: the report of specs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cnnkit.cli.options import (
    AssignmentsOption,
    OptimizerOption,
    OutputOption,
    Precision,
    PrecisionOption,
    one_of,
)
from cnnkit.report.formats import FORMATS, format_of

STDIN = "-"
_DEVICES = "Many devices"


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
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Examples at once, for the memory: 1, or with --devices the recipe's batch. "
            "Of many devices it is that of all together.",
        ),
    ] = None,
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
    devices: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000_000,
            help="Plan a training on so many devices.",
            rich_help_panel=_DEVICES,
        ),
    ] = None,
    parallel: Annotated[
        str | None,
        typer.Option(
            metavar="AXES",
            help="What they share out: data=4,shard=2,spatial=1. Default: as the recipe.",
            rich_help_panel=_DEVICES,
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|RATE",
            help="What joins them: a link of --machine, or bytes a second. Default: its first.",
            rich_help_panel=_DEVICES,
        ),
    ] = None,
    scaling: Annotated[
        bool,
        typer.Option(
            "--scaling", help="Show how it scales, 8 to 4,096 devices.", rich_help_panel=_DEVICES
        ),
    ] = False,
    assignments: AssignmentsOption = None,
) -> None:
    """Analyse specs: shapes, neurons, parameters, cost, memory and receptive field.

    Example: cnnkit analyze specs/lectures/rgb-valid-4-classes.yaml --explain
    """
    from cnnkit import report
    from cnnkit.cli.sources import analyses_of, open_analyses
    from cnnkit.errors import UsageError

    chosen = format_ or format_of(output, FORMATS)
    many = devices is not None or parallel is not None or scaling
    if link is not None and not many:
        raise UsageError(f"--link {link} joins many devices: say how many, such as --devices 8")
    if many and chosen not in report.SCALING:
        known = ", ".join(report.SCALING)
        asked = "scaling" if scaling else "devices" if devices is not None else "parallel"
        raise UsageError(f"`--{asked}` is for the formats {known}, not for `{chosen}`")
    analyses = analyses_of(
        specs,
        assignments or [],
        batch=batch or 1,
        precision=precision.value,
        optimizer=optimizer,
        convention=convention.value if convention else None,
        machine=machine,
    )
    if opened := open_analyses(specs, analyses, assignments or [], depth):
        from cnnkit.report.extents import write

        if len(opened) < len(specs):
            raise UsageError("specs with open extents, such as HxWx3, are analysed by themselves")
        if many:
            raise UsageError("a training on many devices is planned for extents that are numbers")
        write(opened, chosen, output, explain=explain)
        raise typer.Exit(0 if all(each.exact for each in opened) else 1)
    if many:
        from cnnkit.analysis.scaling import plans_of

        analyses = plans_of(analyses, devices, parallel, batch=batch, link=link, tabulated=scaling)
    report.write(analyses, chosen, output, depth=depth, explain=explain, to_scale=to_scale)
    raise typer.Exit(0 if all(analysis.ok for analysis in analyses) else 1)
