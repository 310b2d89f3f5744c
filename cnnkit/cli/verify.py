"""``cnnkit verify``: the analysis of specs against their Flax modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import (
    AssignmentsOption,
    Format,
    FormatOption,
    OptimizerOption,
    OutputOption,
    Precision,
    PrecisionOption,
)
from cnnkit.report.verification import Verified, verification_data, verification_lines

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis


def verify(
    specs: Annotated[
        list[str],
        typer.Argument(metavar="SPEC…", help="YAML or JSON files, or models; `-` reads stdin."),
    ],
    format_: FormatOption = Format.table,
    output: OutputOption = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Also compile for so many examples and compare the memory: this takes long."
        ),
    ] = None,
    precision: PrecisionOption = Precision.float32,
    optimizer: OptimizerOption = "adam",
    assignments: AssignmentsOption = None,
) -> None:
    """Build specs as Flax modules, in the abstract, and compare them with their analysis.

    Shapes, arrays and multiplications must be the same; XLA's FLOPs within 1 %, and the memory
    that it plans within 15 %.

    Example: cnnkit verify specs/zoo/resnet-50.yaml
    """
    from cnnkit.analysis import Analysis
    from cnnkit.cli.sources import analyses_of

    analyses = analyses_of(
        specs,
        assignments or [],
        batch=batch or 1,
        precision=precision.value,
        optimizer=optimizer,
        convention=None,
    )
    results = [
        _verified(each, memory=batch is not None)
        if isinstance(each, Analysis) and each.ok
        else Verified(each)
        for each in analyses
    ]
    if format_ is Format.json:
        _write_json(results, output)
    else:
        _write_table(results, output)
    raise typer.Exit(0 if all(result.ok for result in results) else 1)


def _verified(analysis: Analysis, *, memory: bool) -> Verified:
    from cnnkit.network.verification import verify

    verification = verify(analysis)
    if not memory:
        return Verified(analysis, verification)
    from cnnkit.network.memory import compare_memory
    from cnnkit.training.compute.optimizer import optimizer_of

    optimizer = optimizer_of(analysis.settings.optimizer)
    return Verified(analysis, verification, compare_memory(analysis, optimizer))


def _write_table(results: Sequence[Verified], output: Path | None) -> None:
    from cnnkit.presentation.lines import Line
    from cnnkit.presentation.output import put_lines

    def lines(width: int | None) -> Iterator[Line]:
        for number, result in enumerate(results):
            if number:
                yield []
            yield from verification_lines(result, width)

    put_lines(lines, output)


def _write_json(results: Sequence[Verified], output: Path | None) -> None:
    import json

    from cnnkit.presentation.output import put_text

    data = [verification_data(result) for result in results]
    text = json.dumps(data[0] if len(data) == 1 else data, indent=2, ensure_ascii=False)
    put_text(text + "\n", output)
