"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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


OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the report to this file.")
]
BatchOption = Annotated[int, typer.Option(min=1, help="Examples at once, for the memory.")]
PrecisionOption = Annotated[Precision, typer.Option(help="Of the activations, for the memory.")]
OptimizerOption = Annotated[
    Optimizer, typer.Option(help="Whose state training keeps, for the memory.")
]
AssignmentsOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Set a value: variables.k=5."),
]
