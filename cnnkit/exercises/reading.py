"""Numbers as students write them."""

from __future__ import annotations

import re
from fractions import Fraction

# So long and no longer: a power of ten with a billion zeros would never be worked out.
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2}|/\d{1,40})?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SPACES = str.maketrans("", "", " \u00a0\u202f")


def readings(text: str) -> tuple[Fraction, ...]:
    """What a number may mean: with a point or a comma, and groups of three digits.

    >>> readings("0,25"), readings("1,215")
    ((Fraction(1, 4),), (Fraction(243, 200), Fraction(1215, 1)))

    Raises:
        ValueError: It is no number.
    """
    plain = text.strip().replace("−", "-").translate(_SPACES)
    found = [plain.replace(",", ".")]
    if _GROUPED.fullmatch(plain):
        found.append(plain.replace(",", ""))
    try:
        values = tuple(Fraction(each) for each in found if _NUMBER.fullmatch(each))
    except ZeroDivisionError:
        values = ()
    if not values:
        raise ValueError(f"{text!r} is no number")
    return values
