"""Figures as lines, cells and sentences show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PARTS: Final = ("accuracy", "macro_f1", "top5")
"""Metrics that are parts of a whole, shown in percent."""
_ERRORS: Final = ("loss", "mean_squared_error", "mean_absolute_error")


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Metrics as they are shown, the loss last."""
    return tuple(sorted(names, key=lambda name: name == "loss"))


def value_of(name: str, value: float | None) -> str:
    """A metric or a total as it is shown.

    >>> value_of("accuracy", 0.98123), value_of("loss", 0.123456), value_of("macs", 12345.0)
    ('98.12 %', '0.1235', '12,345')
    """
    if value is None or value != value:
        return "—"
    if name in PARTS:
        return f"{100 * value:.2f} %"
    return f"{value:.4f}" if name in _ERRORS else f"{value:,.0f}"


def spread(name: str, mean: float, deviation: float) -> str:
    """A mean with its standard deviation.

    >>> spread("accuracy", 0.9812, 0.004)
    '98.12 % ± 0.40'
    """
    shown = f"{100 * deviation:.2f}" if name in PARTS else f"{deviation:.4f}"
    return f"{value_of(name, mean)} ± {shown}"
