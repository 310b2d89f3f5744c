"""What a search for a budget varies: a number of the spec, its square input, or the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from cnnkit.analysis.analyze import analyze
from cnnkit.analysis.precision import Precision
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.solve.number import (
    BATCH,
    INPUT,
    analysis_with,
    document_of,
    first_error,
    number_at,
)
from cnnkit.analysis.solve.resize import put_in, resized
from cnnkit.errors import Finding, UsageError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.model.spec import Spec


@dataclass(frozen=True)
class Knob:
    """What is varied.

    Attributes:
        present: The value that there is; None where the spec leaves the field out.
        analysis: The analysis with a value; where that has an error, the first one.
        assignment: What `--set` takes to put a value in; None where `--batch` does.
    """

    present: Decimal | None
    analysis: Callable[[Decimal], Analysis | Finding]
    assignment: Callable[[Decimal], str | None]


def knob(spec: Spec, path: str, *, batch: int, precision: Precision, optimizer: str) -> Knob:
    """What a path names: ``batch``, ``input``, or as `--set` takes it.

    Raises:
        UsageError: The path leads nowhere, or not to a number, or the input is no square.
    """

    def judged(analysis: Analysis) -> Analysis | Finding:
        return first_error(analysis.findings) or analysis

    if path == BATCH:
        return Knob(
            Decimal(batch),
            lambda value: judged(
                analyze(spec, batch=int(value), precision=precision, optimizer=optimizer)
            ),
            lambda _: None,
        )
    if path == INPUT:
        extents, channels = spec.input[:-1], spec.input[-1]
        if len(set(extents)) != 1:
            raise UsageError(
                f"--vary input looks for the largest square within a budget, and {show(spec.input)}"
                " is none: vary a number of it, such as `--vary input.0` of [32, 48, 3]"
            )

        def square(value: Decimal) -> Shape:
            return (*[int(value)] * len(extents), channels)

        return Knob(
            Decimal(extents[0]),
            lambda value: judged(
                analyze(
                    resized(spec, square(value)),
                    batch=batch,
                    precision=precision,
                    optimizer=optimizer,
                )
            ),
            lambda value: put_in(spec, square(value)),
        )
    document = document_of(spec, path)
    return Knob(
        number_at(document, path),
        lambda value: analysis_with(
            document, path, value, batch=batch, precision=precision, optimizer=optimizer
        ),
        lambda value: f"{path}={value.normalize():f}",
    )
