"""Conditions on a comparison, as `diff --fail-if` takes them: ``parameters > +5%``.

A figure without a sign is what the new network has: ``macs > 1M``. A figure with a sign, or a
percentage, is how much it grew: ``parameters > +10k``, ``training_memory >= 5%``, ``macs < -1M``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cnnkit.analysis.change import Change
from cnnkit.errors import UsageError, did_you_mean
from cnnkit.spec.model.section import TOTALS
from cnnkit.spec.model.spec import quantity

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_NAME = re.compile(r"\s*([A-Za-z_]*)")
_OPERATOR = re.compile(r"\s*([<>=!]*)")
_SIGN = re.compile(r"\s*([+−-]?)\s*")
_FIGURE = re.compile(r"(\d{1,40}(?:\.\d{1,20})?)\s*(%|[A-Za-z]*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """A bound on one total.

    Attributes:
        text: As it was written.
        total: The name of the total.
        comparison: One of ``> >= < <= == !=``.
        figure: What it is compared with, signed.
        of: Whether that is the total itself, its growth, or its growth in percent.
    """

    text: str
    total: str
    comparison: str
    figure: Fraction
    of: str

    def met(self, change: Change) -> bool | None:
        """Whether the condition holds of a change of its total; None where that is not known.

        What was nothing and is something grew by more than any percentage.
        """
        value: Fraction | int | float | None = change.new if self.of == "total" else change.absolute
        if value is None:
            return None
        if self.of == "percent":
            percent = change.percent
            value = float("inf") if percent is None else percent
        return _OPERATORS[self.comparison](value, self.figure)


def condition(text: str) -> Condition:
    """The condition that a text states.

    >>> condition("parameters > +5%").figure
    Fraction(5, 1)

    Raises:
        UsageError: The text is no condition; the message points at the place.
    """
    return _Parser(text).condition()


class _Parser:
    """A text, and how far it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._last = 0  # where what was read last begins

    def condition(self) -> Condition:
        name = self._read(_NAME)
        if name not in TOTALS:
            near = did_you_mean(name, TOTALS) if name else None
            known = f"the totals are {', '.join(TOTALS)}"
            advice = f"did you mean `{near}`?" if near else known
            said = f"there is no total `{name}`" if name else "it starts with the name of a total"
            raise self._wrong(f"{said}; {advice}", len(name))
        comparison = self._read(_OPERATOR)
        if comparison not in _OPERATORS:
            said = f"`{comparison}` is no comparison" if comparison else "here a comparison is due"
            raise self._wrong(f"{said}; there are {' '.join(_OPERATORS)}", len(comparison))
        sign = self._read(_SIGN)
        number, unit = self._figure()
        rest = self.text[self.at :]
        if rest.strip():
            self.at += len(rest) - len(rest.lstrip())
            self._last = self.at
            raise self._wrong(
                f"`{rest.strip()}` is too much: one condition is NAME, comparison, figure; "
                "give `--fail-if` again for another",
                len(rest.strip()),
            )
        of = "percent" if unit == "%" else "growth" if sign else "total"
        return Condition(
            self.text.strip(), name, comparison, number * (1 if sign in ("", "+") else -1), of
        )

    def _figure(self) -> tuple[Fraction, str]:
        match = _FIGURE.match(self.text, self.at)
        self._last = self.at
        if match is None:
            found = self.text[self.at :].split()
            said = f"`{found[0]}` is no figure" if found else "here a figure is due"
            length = len(found[0]) if found else 1
            raise self._wrong(f"{said}; write +5%, +10k, 1M or 512MiB", length)
        number, unit = match.groups()
        self.at = match.end()
        if unit == "%":
            return Fraction(number), unit
        try:
            value = quantity(number + unit)
        except ValueError as error:
            known = "the units are k M G T, kB MB GB and KiB MiB GiB TiB, or %"
            said = f"`{match[0]}` {error}"
            raise self._wrong(f"{said}; {known}", len(match[0])) from None
        return Fraction(str(value)), unit

    def _read(self, pattern: re.Pattern[str]) -> str:
        """What a pattern finds here, which may be nothing."""
        match = pattern.match(self.text, self.at)
        if match is None:  # every pattern fits the empty text
            return ""
        self._last, self.at = match.start(1), match.end()
        return match[1]

    def _wrong(self, message: str, length: int) -> UsageError:
        """The error, with the place below the text."""
        caret = " " * self._last + "^" + "~" * (length - 1)
        return UsageError(f"--fail-if: {message}\n  {self.text}\n  {caret}".rstrip())
