"""A figure of a report."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One total: what it is, its value, and what must be known to read it."""

    label: str
    value: str
    note: str = ""
