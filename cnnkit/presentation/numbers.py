"""Text and numbers as every format shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from fractions import Fraction

_UNITS = ("", " k", " M", " G", " T", " P", " E")
_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def printable(text: str) -> str:
    r"""The text with escapes for what would move a cursor or turn a line round.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def cells(text: str) -> int:
    """The columns that a text takes on a terminal: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def beginning(text: str, width: int) -> str:
    """As much of the start of a text as fits in so many columns, with a dot where it is cut.

    >>> beginning("bottleneck", 5)
    'bott…'
    """
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[: max(width - 1, 0)] if len(text) > width else text[:-1]
    return f"{text}…" if width > 0 else ""


def ending(text: str, width: int) -> str:
    """As much of the end of a text as fits in so many columns, with a dot where it is cut.

    >>> ending("specs/zoo/vgg-16.yaml", 12)
    '…vgg-16.yaml'
    """
    return beginning(text[::-1], width)[::-1]


def short(number: int) -> str:
    """A count in three digits and a unit, in full below 10,000.

    >>> short(4_089_184_256)
    '4.09 G'
    """
    if number < 10_000:
        return f"{number:,}"
    digits = len(str(number))
    step = 10 ** (digits - 3)
    rounded = (number + step // 2) // step
    if rounded == 1000:
        rounded, digits = 100, digits + 1
    power, place = divmod(digits - 1, 3)
    unit = _UNITS[power] if power < len(_UNITS) else ""
    if not unit:
        place = 0
    text = str(rounded)
    value = f"{text[: place + 1]}.{text[place + 1 :]}".rstrip(".")
    return value + (unit or f"e{digits - 1}")


def memory(count: int) -> str:
    """A number of bytes in the binary unit that suits it.

    >>> memory(40_800)
    '39.8 KiB'
    """
    power = min(max(count.bit_length() - 1, 0) // 10, len(_BINARY) - 1)
    if not power:
        return f"{count} bytes" if count != 1 else "1 byte"
    unit = 1 << (10 * power)
    tenths = (10 * count + unit // 2) // unit  # no float: a count may exceed all of them
    return f"{tenths // 10:,}.{tenths % 10} {_BINARY[power]}"


def axes(values: Iterable[int | Fraction]) -> str:
    """One value an axis: ``7x7``; with decimals only where one is not whole."""
    return "x".join(
        str(value) if isinstance(value, int) else f"{float(value):g}" for value in values
    )


def percent(part: float, decimals: int = 2) -> str:
    """A part of a whole in percent.

    >>> percent(0.99259)
    '99.26 %'
    """
    return f"{100 * part:.{decimals}f} %"


def plural(count: int, noun: str) -> str:
    """A count with its noun: ``1 error``, ``2 errors``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def speed(images_per_second: float) -> str:
    """A speed as a text."""
    return f"{images_per_second:,.0f} images/s"


def duration(seconds: float) -> str:
    """A time as a text: `0.4 s`, `12 s`, `3:05`, `1:02:03`.

    >>> duration(0.42), duration(12.3), duration(185), duration(3723)
    ('0.4 s', '12 s', '3:05', '1:02:03')
    """
    whole = round(seconds)
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
