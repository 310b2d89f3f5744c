"""Sums and products written out, as a teacher does on the board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

Number = int | float

_MOST_WRITTEN: Final = 27
"""Products that are written out: a filter of 3×3 on a colour image has as many."""


def tidy(value: Number) -> Number:
    """A whole number as such; others to nine digits, which hides what floats add."""
    rounded = float(f"{value:.9g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def shown(value: Number) -> str:
    """A number with a true minus sign: `−25`, `0.1`."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
    return text.replace("-", "−")


def sum_of(parts: Sequence[Number]) -> str:
    """A sum with its signs: ``308 − 498 + 164 + 1``."""
    return " ".join(_signed(parts)) or "0"


def _signed(parts: Sequence[Number]) -> Iterator[str]:
    for number, part in enumerate(parts):
        if number:
            yield "−" if part < 0 else "+"
            yield shown(abs(part))
        else:
            yield shown(part)


def sum_of_products(terms: Sequence[Any], bias: Number | None, result: Number) -> str | None:
    """``7·1 + 2·0 + 3·(−1) + … = 6``; None of more products than anyone reads."""
    if len(terms) > _MOST_WRITTEN:
        return None
    products = [f"{shown(each['value'])}·{_bracketed(each['weight'])}" for each in terms]
    if bias is not None:
        products.append(_bracketed(bias))
    return f"{' + '.join(products)} = {shown(result)}"


def _bracketed(value: Number) -> str:
    return shown(value) if value >= 0 else f"({shown(value)})"
