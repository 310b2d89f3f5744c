"""Seconds, FLOP/s and bytes/s in three digits and a prefix of the SI."""

from __future__ import annotations

from math import floor, log10

_PREFIXES = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}


def quantity(value: float, unit: str) -> str:
    """A value of at least 0 with its unit.

    >>> quantity(0.00021934, "s"), quantity(1.9e11, "FLOP/s"), quantity(12.0, "s")
    ('219 µs', '190 GFLOP/s', '12 s')
    """
    if not value:
        return f"0 {unit}"
    rounded = float(f"{value:.3g}")
    power = min(max(3 * floor(floor(log10(rounded)) / 3), min(_PREFIXES)), max(_PREFIXES))
    return f"{float(f'{rounded / 10.0**power:.3g}'):,.10g} {_PREFIXES[power]}{unit}"
