"""The values of a field with which a spec has no error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cnnkit.analysis.precision import Precision
from cnnkit.analysis.result import Analysis
from cnnkit.analysis.solve.number import analysis_with, document_of, number_at
from cnnkit.analysis.solve.values import ANY, MOST_VALUES, Values
from cnnkit.errors import Finding, UsageError
from cnnkit.spec.model.spec import Spec

FORMAT = 1
"""The version of the JSON that ``ValidSolution.to_dict`` gives."""

_FEWEST = 16


@dataclass(frozen=True, slots=True)
class ValidSolution:
    """The values that are valid.

    Attributes:
        name: The network's name.
        path: The field.
        values: The values that were tried.
        present: The value that the spec has; None where it leaves the field out.
        answers: For each value that is valid its analysis.
        fault: What is wrong with the first value that is not valid.
    """

    name: str | None
    path: str
    values: Values
    present: Decimal | None
    answers: Mapping[Decimal, Analysis]
    fault: Finding | None

    @property
    def found(self) -> bool:
        """Whether there is any."""
        return bool(self.answers)

    def to_dict(self) -> dict[str, Any]:
        """The solution as JSON shows it; every key is always there."""
        return {
            "format": FORMAT,
            "solve": "values",
            "name": self.name,
            "path": self.path,
            "present": None if self.present is None else float(self.present),
            "step": float(self.values.step),
            "found": self.found,
            "values": [
                {
                    "value": _plain(value),
                    "output": list(answer.output or ()),
                    "totals": answer.totals.to_dict(),
                }
                for value, answer in self.answers.items()
            ],
            "fault": self.fault.to_dict() if self.fault else None,
            "tried": self.values.last + 1,
        }


def valid_values(
    spec: Spec,
    path: str,
    values: Values = ANY,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    optimizer: str = "adam",
) -> ValidSolution:
    """The values of the field at ``path`` with which no layer has an error.

    Args:
        spec: A spec that was read from a text; it need not be valid as it is.
        path: As `--set` takes it: ``layers.0.kernel``.
        values: The values to try; without bounds up to twice the present one, 16 at least.
        batch: Examples at once, for the memory.
        precision: Of the activations, for the memory.
        optimizer: Whose state training keeps, for the memory.

    Raises:
        UsageError: The path leads nowhere, or not to a number, or there are too many values.
    """
    document = document_of(spec, path)
    present = number_at(document, path)
    if values.high is None:
        most = max(2 * (present or Decimal(0)), _FEWEST * values.step)
        values = Values(values.step, values.step, most)
    if values.last < 0:
        raise UsageError(f"--between {values.low}..{values.high} holds no value")
    if values.last >= MOST_VALUES:
        raise UsageError(
            f"{values.low}..{values.high} holds {values.last + 1:,} values in steps of "
            f"{values.step}; at most {MOST_VALUES:,} are tried one by one: give --between "
            "A..B, or a larger --step"
        )
    answers: dict[Decimal, Analysis] = {}
    first: Finding | None = None
    for number in range(values.last + 1):
        value = values.value(number)
        answer = analysis_with(
            document, path, value, batch=batch, precision=precision, optimizer=optimizer
        )
        if not isinstance(answer, Finding):
            answers[value] = answer
        elif first is None:
            first = answer
    return ValidSolution(spec.name, path, values, present, answers, first)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
