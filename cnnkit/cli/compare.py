"""``cnnkit compare``: runs in pairs, over seeds or folds, in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import OutputOption, one_of
from cnnkit.report.formats import RUN_FORMATS


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", help="Cross-validations, or trainings of several seeds each."
        ),
    ],
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to compare: accuracy, balanced_accuracy, macro_f1, loss …, recall.CLASS. "
            "Default: accuracy, or the loss where there are no classes.",
        ),
    ] = None,
    format_: Annotated[
        str, one_of(RUN_FORMATS, "--format", "-f", help="How to write it.")
    ] = "text",
    output: OutputOption = None,
) -> None:
    """Compare networks pair by pair: mean difference, its interval, and whether chance explains it.

    Example: cnnkit compare runs/narrow-folds runs/wide-folds
    """
    from cnnkit.presentation.output import put_text
    from cnnkit.selection import compared_by, comparison_text, entries_of

    chosen = compared_by(runs, metric)
    put_text(comparison_text(entries_of(runs, chosen), chosen, format_), output)
