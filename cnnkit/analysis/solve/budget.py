"""The largest value of a field that keeps a network within budgets.

Without bounds the search climbs: from a value that meets the budgets in steps that double until
one does not, then by halves between the two. Then the values above are looked at one by one, so
that a width that must be a multiple of 8 is found, and some far above, so that budgets which are
met again further on are not overlooked. Between bounds every value is tried from the top, which
is right whatever the budgets do; it is for budgets that do not grow with the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from cnnkit.analysis.precision import Precision, is_quantized
from cnnkit.analysis.result import Totals
from cnnkit.analysis.solve.knob import knob
from cnnkit.analysis.solve.search import IntegerSearch
from cnnkit.analysis.solve.values import ANY, LARGEST, MOST_VALUES, Values
from cnnkit.errors import Finding, UsageError
from cnnkit.spec.model.spec import Spec

FORMAT = 1
"""The version of the JSON that ``BudgetSolution.to_dict`` gives."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A value put into the spec, and analysed.

    Attributes:
        value: The value.
        totals: The totals; None where the spec is not valid with it.
        fault: Why it is not, the first of the findings.
        budgets: The bounds.
    """

    value: Decimal
    totals: Totals | None
    fault: Finding | None
    budgets: Mapping[str, int]

    @property
    def text(self) -> str:
        """The value as it is written."""
        return f"{self.value.normalize():f}"

    @property
    def over(self) -> dict[str, int]:
        """By how much each budget that is not met is exceeded."""
        margins = {name: -margin for name, margin in self.margins.items()}
        return {name: excess for name, excess in margins.items() if excess > 0}

    @property
    def margins(self) -> dict[str, int]:
        """What is left of each budget."""
        if self.totals is None:
            return {}
        figures = self.totals.to_dict()
        return {name: bound - figures[name] for name, bound in self.budgets.items()}

    @property
    def valid(self) -> bool:
        """Whether the spec is valid with it."""
        return self.totals is not None

    @property
    def meets(self) -> bool:
        """Whether the spec is valid and within all budgets."""
        return self.valid and not self.over

    @property
    def excess(self) -> Fraction:
        """The largest excess over a budget, as a part of it."""
        return max(
            (Fraction(-margin, self.budgets[name] or 1) for name, margin in self.margins.items()),
            default=Fraction(0),
        )

    def to_dict(self) -> dict[str, Any]:
        """The trial as JSON shows it."""
        whole = self.value == self.value.to_integral_value()
        return {
            "value": int(self.value) if whole else float(self.value),
            "meets": self.meets,
            "totals": self.totals.to_dict() if self.totals else None,
            "margins": self.margins,
            "fault": self.fault.to_dict() if self.fault else None,
        }


@dataclass(frozen=True, slots=True)
class BudgetSolution:
    """What became of the search.

    Attributes:
        name: The network's name.
        path: The field.
        values: The values that it may take.
        present: The value that the spec has; None where it leaves the field out.
        budgets: The bounds.
        best: The largest value that meets them; None where none was found.
        next: The next value above it, which does not.
        nearest: Where none was found, the valid value that exceeds them least.
        gap: A value below the best one that does not meet them: they do not grow with it.
        endless: Whether the best one is the largest that any field may have.
        fault: Where no value is valid, why the smallest is not.
        tried: How many values were analysed.
        put_in: What `--set` takes to apply the best one, where it does.
    """

    name: str | None
    path: str
    values: Values
    present: Decimal | None
    budgets: Mapping[str, int]
    best: Trial | None
    next: Trial | None
    nearest: Trial | None
    gap: Trial | None
    endless: bool
    fault: Finding | None
    tried: int
    put_in: str | None = None

    @property
    def found(self) -> bool:
        """Whether there is a largest value."""
        return self.best is not None and not self.endless

    @property
    def assignment(self) -> str | None:
        """What `--set` takes to apply it; None of a batch, which `--batch` takes."""
        return self.put_in

    def to_dict(self) -> dict[str, Any]:
        """The solution as JSON shows it; every key is always there."""
        trials = {"best": self.best, "next": self.next, "nearest": self.nearest, "gap": self.gap}
        return {
            "format": FORMAT,
            "solve": "budget",
            "name": self.name,
            "path": self.path,
            "present": None if self.present is None else float(self.present),
            "step": float(self.values.step),
            "budgets": dict(self.budgets),
            "found": self.found,
            **{key: trial and trial.to_dict() for key, trial in trials.items()},
            "fault": self.fault.to_dict() if self.fault else None,
            "set": self.assignment,
            "tried": self.tried,
        }


def largest(
    spec: Spec,
    path: str,
    budgets: Mapping[str, int],
    values: Values = ANY,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    optimizer: str = "adam",
) -> BudgetSolution:
    """The largest value of the field at ``path`` that meets all budgets.

    Args:
        spec: A spec that was read from a text; it need not be valid as it is.
        path: As `--set` takes it: ``variables.width``, ``layers.0.filters``; ``input`` for the
            extent of a square one, ``batch`` for the examples at once.
        budgets: Upper bounds on totals, by their names.
        values: The values that the field may take.
        batch: Examples at once, for the memory.
        precision: Of the activations, for the memory.
        optimizer: Whose state training keeps, for the memory.

    Raises:
        UsageError: The path leads nowhere, or not to a number, or there are too many values.
    """
    varied = knob(spec, path, batch=batch, precision=precision, optimizer=optimizer)
    present = varied.present
    if values.low is not None and values.last < 0:
        raise UsageError(f"--between {values.low}..{values.high} holds no value")
    if values.bounded and values.last >= MOST_VALUES:
        raise UsageError(
            f"--between {values.low}..{values.high} holds {values.last + 1:,} values in steps of "
            f"{values.step}; at most {MOST_VALUES:,} are tried one by one: give a larger --step"
        )
    if "training_memory" in budgets and is_quantized(precision):
        raise UsageError(
            f"a budget of training_memory in {precision} has no meaning: that is a precision of "
            "inference; take float32 or bfloat16"
        )
    if present is not None and present % 1 and not values.step % 1:
        raise UsageError(
            f"{path} is {present.normalize():f}, which is not whole: give --step, such as 0.05"
        )

    def trial(number: int) -> Trial:
        value = values.value(number)
        answer = varied.analysis(value)
        if isinstance(answer, Finding):
            return Trial(value, None, answer, budgets)
        return Trial(value, answer.totals, None, budgets)

    search = IntegerSearch(trial, values.last)
    if values.bounded:
        best = search.scanned()
    else:
        best = search.climbed(None if present is None else values.number(present))
    above = None if best is None else _above(search, best)
    tried = search.trials
    valid = [tried[number] for number in sorted(tried) if tried[number].valid]
    gap = (each for each in valid if not each.meets and best is not None)
    return BudgetSolution(
        name=spec.name,
        path=path,
        values=values,
        present=present,
        budgets=budgets,
        best=None if best is None else tried[best],
        next=above,
        nearest=None
        if best is not None
        else min(valid, key=lambda each: each.excess, default=None),
        gap=next((each for each in gap if each.value < values.value(best or 0)), None),
        endless=best is not None and not values.bounded and 2 * values.value(best) > LARGEST,
        fault=None if valid or best is not None else tried[min(tried)].fault,
        tried=len(tried),
        put_in=None if best is None else varied.assignment(tried[best].value),
    )


def _above(search: IntegerSearch[Trial], best: int) -> Trial | None:
    """The next value that is valid; where none was seen, the next one."""
    valid = [number for number, trial in search.trials.items() if number > best and trial.valid]
    if valid:
        return search.trials[min(valid)]
    return search.at(best + 1) if best < search.last else None
