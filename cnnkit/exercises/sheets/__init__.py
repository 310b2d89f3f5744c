"""What a sheet can be written as."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from cnnkit.exercises.sheet import Sheet

SHEET_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "markdown": ".md",
        "html": ".html",
        "pdf": ".pdf",
        "moodle": ".xml",
        "gift": ".gift",
        "json": ".json",
    }
)
"""The formats, each a module of this package, and the ending of its files."""


def render(sheet: Sheet, format_: str, *, answers: bool = False) -> bytes:
    """A sheet as a file.

    Args:
        sheet: The questions.
        format_: One of ``SHEET_FORMATS``.
        answers: Whether a sheet for people has the answers; what a machine grades by always has.

    Raises:
        UsageError: A package that the format needs is missing.
    """
    module = import_module(f"cnnkit.exercises.sheets.{format_}")
    rendered: bytes = module.render(sheet, answers=answers)
    return rendered
