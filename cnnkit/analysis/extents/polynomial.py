"""Polynomials of the letters of an input, with exact coefficients, from their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

Exponents = tuple[int, ...]


@dataclass(frozen=True)
class Polynomial:
    """A sum of monomials.

    >>> Polynomial(("H", "W"), {(1, 1): Fraction(3), (0, 0): Fraction(-2)}).text
    '3·H·W − 2'

    Attributes:
        letters: The variables.
        terms: The coefficient of each monomial, by its exponents; none is 0.
    """

    letters: tuple[str, ...]
    terms: Mapping[Exponents, Fraction]

    def at(self, values: Mapping[str, int]) -> Fraction:
        """The value where the letters have these values."""
        point = [values[letter] for letter in self.letters]
        return sum(
            (
                factor * math.prod(each**power for each, power in zip(point, powers, strict=True))
                for powers, factor in self.terms.items()
            ),
            Fraction(0),
        )

    @property
    def constant(self) -> int | None:
        """The value, where it is a whole number that depends on no letter."""
        if any(any(powers) for powers in self.terms):
            return None
        value = next(iter(self.terms.values()), Fraction(0))
        return int(value) if value.denominator == 1 else None

    @property
    def text(self) -> str:
        """As it is written: ``441·H·W − 2,646``, ``(H − 5)/2``."""
        below = math.lcm(*(factor.denominator for factor in self.terms.values()))
        text = self._sum(below)
        if below == 1:
            return text
        return f"({text})/{below:,}" if len(self.terms) > 1 else f"{text}/{below:,}"

    @property
    def factor(self) -> str:
        """As it stands in a product: in brackets where it is a sum."""
        whole = all(each.denominator == 1 for each in self.terms.values())
        return f"({self.text})" if whole and len(self.terms) > 1 else self.text

    def _sum(self, times: int) -> str:
        text = ""
        for powers, factor in sorted(self.terms.items(), key=_first_the_highest):
            count = int(factor * times)
            sign = "−" if count < 0 else "+"
            monomial = self._monomial(abs(count), powers)
            text = f"{text} {sign} {monomial}" if text else f"{'−' * (count < 0)}{monomial}"
        return text or "0"

    def _monomial(self, count: int, powers: Exponents) -> str:
        named = [
            letter if power == 1 else f"{letter}^{power}"
            for letter, power in zip(self.letters, powers, strict=True)
            if power
        ]
        number = [f"{count:,}"] if count != 1 or not named else []
        return "·".join([*number, *named])


def interpolated(
    letters: Sequence[str],
    points: Sequence[Sequence[int]],
    value: Callable[[tuple[int, ...]], int],
) -> Polynomial:
    """The polynomial of the lowest degrees with these values on a grid.

    Args:
        letters: The variables.
        points: Of each variable, the values at which it is known, one more than its degree.
        value: The value at a point of the grid.
    """
    known = {point: Fraction(value(point)) for point in product(*points)}
    for axis, knots in enumerate(points):
        known = _along(axis, knots, known)
    return Polynomial(
        tuple(letters), {powers: factor for powers, factor in known.items() if factor}
    )


def _along(
    axis: int, knots: Sequence[int], known: Mapping[Exponents, Fraction]
) -> dict[Exponents, Fraction]:
    """Values at the knots of one axis as coefficients of its powers."""
    found: dict[Exponents, Fraction] = {}
    for rest in {(*point[:axis], *point[axis + 1 :]) for point in known}:
        before, after = rest[:axis], rest[axis:]
        factors = _coefficients(knots, [known[*before, knot, *after] for knot in knots])
        found |= {(*before, power, *after): factor for power, factor in enumerate(factors)}
    return found


def _coefficients(knots: Sequence[int], values: Iterable[Fraction]) -> list[Fraction]:
    """Newton's divided differences, multiplied out."""
    differences = list(values)
    for order in range(1, len(knots)):
        for i in range(len(knots) - 1, order - 1, -1):
            span = knots[i] - knots[i - order]
            differences[i] = (differences[i] - differences[i - 1]) / span
    factors = [Fraction(0)] * len(knots)
    for knot, difference in zip(reversed(knots), reversed(differences), strict=True):
        shifted = [Fraction(0), *factors[:-1]]
        factors = [a - knot * b for a, b in zip(shifted, factors, strict=True)]
        factors[0] += difference
    return factors


def _first_the_highest(term: tuple[Exponents, Fraction]) -> tuple[int, Exponents]:
    powers, _ = term
    return -sum(powers), tuple(-power for power in powers)
