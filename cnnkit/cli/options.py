"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cnnkit.spec.optimizer_state import STATE_ARRAYS


def one_of(values: Iterable[str], *names: str, help: str, panel: str | None = None) -> Any:  # noqa: A002
    """An option that takes one of these words: the keys of the table that knows them."""
    words = [*values]

    def read(text: str) -> str:
        if text in words:
            return text
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(map(repr, words))}.")

    return typer.Option(
        *names,
        parser=read,
        metavar=f"<{'|'.join(words)}>",
        autocompletion=lambda: words,
        help=help,
        rich_help_panel=panel,
    )


class Precision(StrEnum):
    """What activations are computed in; the last two are of inference alone."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"
    float64 = "float64"
    int8 = "int8"
    int4 = "int4"


class Device(StrEnum):
    """What a run computes on."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"
    tpu = "tpu"


class CheckpointName(StrEnum):
    """Whose weights."""

    best = "best"
    last = "last"


class Format(StrEnum):
    """What is written where it is a table or JSON."""

    table = "table"
    json = "json"


OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the report to this file.")
]
BatchOption = Annotated[int, typer.Option(min=1, help="Examples at once, for the memory.")]
PrecisionOption = Annotated[Precision, typer.Option(help="Of the activations, for the memory.")]
OptimizerOption = Annotated[
    str, one_of(STATE_ARRAYS, "--optimizer", help="Whose state training keeps, for the memory.")
]
AssignmentsOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Set a value: variables.k=5."),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where published data sets lie. Default: CNNKIT_DATA, or ~/.cache/cnnkit.",
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="What to compute on.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors.")]
CheckpointOption = Annotated[
    CheckpointName, typer.Option(help="The weights of the best or of the last epoch.")
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="The weights of a spec, a .safetensors file that `export` wrote.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to write it.")]
