"""What is said of one thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["good", "missing", "info"]

GROUPS = ("versions", "devices", "onednn", "cache", "data", "speed")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was looked at.

    Attributes:
        group: What it belongs to, one of ``GROUPS``.
        name: What was looked at.
        value: What was found.
        level: ``missing`` where something is to be done; ``info`` where something may be.
        advice: What to do, where there is something.
    """

    group: str
    name: str
    value: str
    level: Level = "good"
    advice: str | None = None
