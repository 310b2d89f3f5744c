"""Figures as lines, cells and sentences show them."""

from __future__ import annotations

from cnnkit.selection.objective import objective


def value_of(name: str, value: float | None) -> str:
    """A metric or a total as it is shown.

    >>> value_of("accuracy", 0.98123), value_of("loss", 0.123456), value_of("macs", 12345.0)
    ('98.12 %', '0.1235', '12,345')
    """
    return objective(name).shown(value)


def spread(name: str, mean: float, deviation: float) -> str:
    """A mean with its standard deviation.

    >>> spread("accuracy", 0.9812, 0.004)
    '98.12 % ± 0.40'
    """
    return objective(name).spread(mean, deviation)
