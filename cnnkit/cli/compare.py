"""``cnnkit compare``: runs in pairs, over seeds or folds, in plain words."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import OutputOption, one_of
from cnnkit.report.formats import RUN_FORMATS


class Metric(StrEnum):
    """What is compared."""

    accuracy = "accuracy"
    macro_f1 = "macro_f1"
    loss = "loss"


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", help="Cross-validations, or trainings of several seeds each."
        ),
    ],
    metric: Annotated[Metric, typer.Option(help="What to compare.")] = Metric.accuracy,
    format_: Annotated[
        str, one_of(RUN_FORMATS, "--format", "-f", help="How to write it.")
    ] = "text",
    output: OutputOption = None,
) -> None:
    """Compare networks pair by pair: mean difference, its interval, and whether chance explains it.

    Example: cnnkit compare runs/narrow-folds runs/wide-folds
    """
    from cnnkit.presentation.output import put_text
    from cnnkit.selection import comparison_text, entries_of

    text = comparison_text(entries_of(runs, metric.value), metric.value, format_)
    put_text(text, output)
