"""The values of a field among which an answer is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

MOST_VALUES = 2_000
"""The values that are tried one by one between bounds."""

LARGEST = 10**12
"""No field of a network is larger; what meets its budgets here has no largest value."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values that a field may take: ``step``, 2·``step``, …, or from ``low`` to ``high``."""

    step: Decimal = Decimal(1)
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def bounded(self) -> bool:
        """Whether there is a last one."""
        return self.high is not None

    @property
    def last(self) -> int:
        """The number of the last one; the first has the number 0."""
        if self.low is None or self.high is None:
            return int(LARGEST / self.step)
        return int((self.high - self.low) // self.step)

    def value(self, number: int) -> Decimal:
        """The value of a number."""
        return (self.step if self.low is None else self.low) + number * self.step

    def number(self, value: Decimal) -> int:
        """The number of the value at or below a value; below the first one, of the first."""
        return max(0, min(int((value - self.value(0)) // self.step), self.last))


ANY = Values()
"""Every step from the first on."""
