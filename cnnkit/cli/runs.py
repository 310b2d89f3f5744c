"""``cnnkit runs``: a table of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from cnnkit.training.store.listing import RunRow


def runs(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where runs are kept.")] = Path(
        "runs"
    ),
    sort: Annotated[
        str, typer.Option(help="The column to sort by; figures with the best first.")
    ] = "validation",
    format_: FormatOption = Format.table,
) -> None:
    """List the runs of a folder with their figures.

    Example: cnnkit runs --sort started
    """
    from cnnkit.training.store.listing import runs_of

    rows = runs_of(folder, sort)
    if format_ is Format.json:
        import json

        typer.echo(json.dumps([row.to_dict() for row in rows], indent=2))
        return
    if not rows:
        typer.echo(f"{folder} holds no run")
        return
    for line in _table(rows):
        typer.echo(line)


def _table(rows: list[RunRow]) -> list[str]:
    """Aligned columns; what a run does not have is a dash."""
    names = ("run", "status", "data", "epochs", "best", "validation", "test", "verdict", "time")
    texts = [names, *map(_texts, rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(names))]
    left = {"run", "status", "data", "verdict"}
    return [
        "  ".join(
            text.ljust(width) if name in left else text.rjust(width)
            for name, text, width in zip(names, row, widths, strict=True)
        ).rstrip()
        for row in texts
    ]


def _texts(row: RunRow) -> tuple[str, ...]:
    from cnnkit.presentation.numbers import duration

    return (
        row.run,
        row.status,
        row.data or "–",
        str(row.epochs),
        "–" if row.best_epoch is None else str(row.best_epoch),
        _figure(row.metric, row.validation),
        _figure(row.metric, row.test),
        row.verdict or "–",
        "–" if row.seconds is None else duration(row.seconds),
    )


def _figure(metric: str, value: float | None) -> str:
    from cnnkit.tasks.metric import metric_of

    return "–" if value is None else metric_of(metric).shown(value)
