"""The search for the largest number that passes a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

# How far above an answer each number is tried: channels are multiples of 64 at most.
_AHEAD = 64
# So many valid numbers that fail end the look ahead: the next would be no other.
_ENOUGH = 4
# Where a first number that passes is looked for, at powers of two.
_FAR = 2**20


class Attempt(Protocol):
    """What a trial gives."""

    @property
    def valid(self) -> bool:
        """Whether the number can be used at all."""

    @property
    def meets(self) -> bool:
        """Whether it can be, and passes."""


T = TypeVar("T", bound=Attempt)


class IntegerSearch(Generic[T]):
    """The trials of numbers from 0 to ``last``, each made once.

    Attributes:
        trials: What each number that was tried gave.
    """

    def __init__(self, trial: Callable[[int], T], last: int) -> None:
        self._trial = trial
        self.last = last
        self.trials: dict[int, T] = {}

    def at(self, number: int) -> T:
        """The trial of a number."""
        if number not in self.trials:
            self.trials[number] = self._trial(number)
        return self.trials[number]

    def meets(self, number: int) -> bool:
        """Whether a number is one, and passes."""
        return 0 <= number <= self.last and self.at(number).meets

    def scanned(self) -> int | None:
        """The largest number that passes, each tried from the last one down."""
        return next((n for n in range(self.last, -1, -1) if self.meets(n)), None)

    def climbed(self, start: int | None) -> int | None:
        """A number that passes, above which none was found.

        It is the largest one if all below the largest pass, but for those that are not valid.
        What fails below it or passes above it by less than a power of two is not seen.
        """
        number = next(filter(self.meets, self._starts(start)), None)
        unit: int | None = 1
        while number is not None and unit is not None:
            number = self._top(number, unit)
            unit = self._ahead(number)
            if unit is None:
                again = next(filter(self.meets, (k * (number + 1) - 1 for k in (2, 4, 8))), None)
                number, unit = (number, None) if again is None else (again, 1)
            else:
                number += unit
        return number

    def _starts(self, start: int | None) -> Iterator[int]:
        """Where to begin: the present number, the first ones, its halves, and far away."""
        if start is not None:
            yield start
        yield from range(_AHEAD)
        while start:
            yield start
            start //= 2
        power = _AHEAD
        while power <= min(_FAR, self.last):
            yield power
            power *= 2

    def _top(self, number: int, unit: int) -> int:
        """The top of the numbers that pass, in steps of ``unit``: by doubles, then by halves."""
        step = unit
        while self.meets(number + step):
            number += step
            step *= 2
        while step > unit:
            step //= 2
            if self.meets(number + step):
                number += step
        return number

    def _ahead(self, number: int) -> int | None:
        """How far above the next number that passes is; numbers that are not valid lie between."""
        failed = 0
        for away in range(1, min(_AHEAD, self.last - number) + 1):
            if self.meets(number + away):
                return away
            failed += self.at(number + away).valid
            if failed == _ENOUGH:
                return None
        return None
