"""Figures as command lines have them: extents, ranges, and budgets."""

from __future__ import annotations

import re
from decimal import Decimal

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.spec.model.section import TOTALS
from cnnkit.spec.model.spec import quantity
from cnnkit.spec.text.scalars import shortened

_EXTENTS = re.compile(r"\d{1,12}(\s*[x×]\s*\d{1,12})*")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


def extents(flag: str, text: str, rank: int | None = None) -> tuple[int, ...]:
    """``7`` or ``7x9`` as numbers; one number serves all axes."""
    if not _EXTENTS.fullmatch(text.strip()):
        raise UsageError(
            f"{flag} {shortened(text)}: write 7, or 7x9 for two axes, of up to 12 digits each"
        )
    numbers = tuple(map(int, re.split("[x×]", text.strip())))
    if 0 in numbers:
        raise UsageError(f"{flag} {text}: each extent is at least 1")
    if rank is None and len(numbers) > 3:
        raise UsageError(f"{flag} {text}: there are at most 3 axes")
    return numbers * rank if rank is not None and len(numbers) == 1 else numbers


def bounds(between: str) -> tuple[Decimal, Decimal]:
    """``8..64`` as its two numbers."""
    first, dots, last = between.partition("..")
    if not dots:
        raise UsageError(f"--between {shortened(between)}: write A..B, such as 8..64")
    low, high = (number("--between", text) for text in (first, last))
    if high < low:
        raise UsageError(f"--between {between}: {last} is below {first}")
    return low, high


def number(flag: str, text: str) -> Decimal:
    """``8`` or ``0.25``."""
    if not _NUMBER.fullmatch(text.strip()):
        raise UsageError(f"{flag} {shortened(text)}: this is no number, such as 8 or 0.25")
    return Decimal(text.strip())


def bound(text: str) -> tuple[str, int]:
    """``parameters=1M`` as a total and its bound."""
    name, equals, figure = (part.strip() for part in text.partition("="))
    if not equals:
        raise UsageError(f"--budget {shortened(text)}: write TOTAL=FIGURE, such as parameters=1M")
    if name not in TOTALS:
        near = did_you_mean(name, TOTALS)
        advice = f"did you mean `{near}`?" if near else f"the totals are {', '.join(TOTALS)}"
        raise UsageError(f"--budget {shortened(text)}: there is no total `{name}`; {advice}")
    try:
        return name, int(str(quantity(figure)))
    except ValueError as error:
        raise UsageError(
            f"--budget {shortened(text)}: `{figure}` {error}; write 10k, 1.5M or 512MiB"
        ) from None
