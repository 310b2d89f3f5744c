"""The curve of a function as a few lines of text, in dots of Braille."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

_COLUMNS, _ROWS = 32, 7
# A character is two dots wide and four high; these are the bits of its dots, a row each.
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_EMPTY = 0x2800
_AXIS = 3
"""Every so many dots of an axis are drawn."""


def curve(function: Callable[[float], float], low: float = -4, high: float = 4) -> list[str]:
    """The lines of a picture of y = f(x), with its axes and the ends of both.

    Args:
        function: What is drawn; where it is not finite nothing is.
        low: The least x.
        high: The greatest x.
    """
    wide, tall = 2 * _COLUMNS, 4 * _ROWS
    places = [low + (high - low) * column / (wide - 1) for column in range(wide)]
    values = [function(x) for x in places]
    finite = [value for value in values if math.isfinite(value)]
    least, most = min([*finite, 0.0]), max([*finite, 0.0])
    most = most if most > least else least + 1

    def row(value: float) -> int:
        return round((most - value) / (most - least) * (tall - 1))

    zero = row(0.0)
    dots = {(column, zero) for column in range(0, wide, _AXIS)}
    if low <= 0 <= high:
        upright = round(-low / (high - low) * (wide - 1))
        dots |= {(upright, line) for line in range(0, tall, _AXIS)}
    last: int | None = None
    for column, value in enumerate(values):
        if not math.isfinite(value):
            last = None
            continue
        now = row(value)
        begin = now if last is None or abs(now - last) < 2 else last + (1 if now > last else -1)
        dots |= {(column, line) for line in range(min(begin, now), max(begin, now) + 1)}
        last = now
    return [*_framed(dots, least, most, zero // 4), _below(low, high, len(_margin(least, most)))]


def _framed(dots: set[tuple[int, int]], least: float, most: float, zero: int) -> Iterator[str]:
    """The rows of the picture, the ends of the upright axis and its 0 at their places."""
    width = len(_margin(least, most))
    named = {zero: "0", _ROWS - 1: _number(least), 0: _number(most)}
    for row in range(_ROWS):
        cells = (_character(dots, column, row) for column in range(_COLUMNS))
        yield f"{named.get(row, ''):>{width}} {''.join(cells)}".rstrip()


def _character(dots: set[tuple[int, int]], column: int, row: int) -> str:
    bits = (
        bit
        for down, pair in enumerate(_BITS)
        for across, bit in enumerate(pair)
        if (2 * column + across, 4 * row + down) in dots
    )
    found = sum(bits)
    return chr(_EMPTY + found) if found else " "


def _below(low: float, high: float, margin: int) -> str:
    """The ends of the axis of x, and its middle."""
    middle = _number((low + high) / 2)
    left, right = _number(low), _number(high)
    room = _COLUMNS - len(left) - len(right)
    return f"{'':{margin}} {left}{middle:^{room}}{right}"


def _margin(least: float, most: float) -> str:
    return max((_number(least), _number(most)), key=len)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
