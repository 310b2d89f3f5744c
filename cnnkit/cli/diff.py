"""``cnnkit diff``: what changed from one spec to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import (
    BatchOption,
    OptimizerOption,
    OutputOption,
    Precision,
    PrecisionOption,
    one_of,
)
from cnnkit.report.formats import COMPARISON_FORMATS, format_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnkit.analysis import Analysis
    from cnnkit.analysis.compare import Comparison
    from cnnkit.analysis.condition import Condition
    from cnnkit.analysis.result import Unreadable
    from cnnkit.cli.sources import AnalyzeArguments
    from cnnkit.report.comparison.view import ComparisonView


def diff(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="A spec, model, `-`, or one in git: HEAD~1:specs/a.yaml; `HEAD~1:` is all of it.",
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(
            metavar="NEW", help="The same, of the network after; after `HEAD~1:` also a folder."
        ),
    ],
    format_: Annotated[
        str | None,
        one_of(
            COMPARISON_FORMATS, "--format", "-f", help="Default: table, or what --output ends with."
        ),
    ] = None,
    output: OutputOption = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION", help="Exit with 1 if it holds: 'parameters > +5%', 'macs > 1G'."
        ),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Show layers that are the same, too.")
    ] = False,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Levels of nested layers to compare.")
    ] = None,
    batch: BatchOption = 1,
    precision: PrecisionOption = Precision.float32,
    optimizer: OptimizerOption = "adam",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Set a value in both: variables.k=5."),
    ] = None,
) -> None:
    """Compare two specs layer by layer and in total. Exits with 1 on errors of the new one.

    Example: cnnkit diff specs/zoo/resnet-18.yaml specs/zoo/resnet-34.yaml --fail-if 'macs > +10%'
    """
    from cnnkit.analysis.compare import compare
    from cnnkit.analysis.condition import condition
    from cnnkit.cli.changes import changes_since
    from cnnkit.cli.revision import is_whole_revision
    from cnnkit.errors import UsageError
    from cnnkit.report.comparison.changes import write_changes
    from cnnkit.report.comparison.formats import write

    if old == new == "-":
        raise UsageError("only one of both can be read from standard input")
    conditions = [condition(text) for text in fail_if or ()]
    settings: AnalyzeArguments = {
        "batch": batch,
        "precision": precision.value,
        "optimizer": optimizer,
        "convention": None,
    }
    chosen = format_ or format_of(output, COMPARISON_FORMATS)
    if is_whole_revision(old) and not _exists(old):
        changes = list(
            changes_since(
                old[:-1],
                new,
                lambda source: _side(source, assignments or [], settings),
                lambda before, after: _asked(
                    compare(before, after, depth), conditions, complete=all_
                ),
            )
        )
        write_changes(changes, chosen, output)
        raise typer.Exit(0 if all(change.ok for change in changes) else 1)
    before, after = (_side(source, assignments or [], settings) for source in (old, new))
    view = _asked(compare(before, after, depth), conditions, complete=all_)
    write(view, chosen, output)
    raise typer.Exit(1 if _fails(view) else 0)


def _asked(
    comparison: Comparison, conditions: Sequence[Condition], *, complete: bool
) -> ComparisonView:
    """What is shown of a comparison, with what was asked of it."""
    from cnnkit.report.comparison.view import ComparisonView

    asked = [
        (asked, asked.met(comparison.totals[asked.total]))
        for asked in conditions
        if comparison.readable
    ]
    return ComparisonView(comparison, asked, complete)


def _fails(view: ComparisonView) -> bool:
    return not view.comparison.ok or any(met for _, met in view.conditions)


def _side(
    source: str, assignments: Sequence[str], settings: AnalyzeArguments
) -> Analysis | Unreadable:
    """The analysis of a file, or, where there is no file of that name, of one in git."""
    from cnnkit.analysis import analyze
    from cnnkit.analysis.result import Unreadable
    from cnnkit.cli.revision import is_revision, read_revision
    from cnnkit.cli.sources import analyses_of

    if not is_revision(source) or _exists(source):
        return analyses_of([source], assignments, **settings)[0]
    reading = read_revision(source, assignments)
    if reading.spec is None:
        return Unreadable(source, reading.findings)
    return analyze(reading.spec, **settings)


def _exists(source: str) -> bool:
    try:
        return Path(source).exists()
    except (OSError, ValueError):  # a name that no file can have
        return False
