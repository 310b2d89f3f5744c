"""What a report can be written as, and which format a file's name asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "table": "cnnkit.report.table",
        "json": "cnnkit.report.json",
        "csv": "cnnkit.report.csv",
        "markdown": "cnnkit.report.markdown",
        "html": "cnnkit.report.html",
        "svg": "cnnkit.report.svg",
    }
)
"""The formats of ``analyze``, and where each is written."""

FINDING_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "text": "cnnkit.report.checked",
        "json": "cnnkit.report.checked_json",
        "github": "cnnkit.report.github",
        "gitlab": "cnnkit.report.gitlab",
        "sarif": "cnnkit.report.sarif",
        "junit": "cnnkit.report.junit",
    }
)
"""The formats of ``check``, and where each is written."""

SOLUTION_FORMATS: Final = ("table", "json", "markdown", "csv")
"""The formats of ``solve``."""

COMPARISON_FORMATS: Final = ("table", "json", "markdown")
"""The formats of ``diff``."""

RUN_FORMATS: Final = ("text", "json")
"""The formats of ``compare``."""

_SUFFIXES: Final = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".svg": "svg",
    ".sarif": "sarif",
    ".xml": "junit",
}


def format_of(output: PurePath | None, formats: Iterable[str]) -> str:
    """The format that a file's name asks for; the first one where it asks for none of them."""
    first, *others = formats
    asked = _SUFFIXES.get(output.suffix.lower()) if output is not None else None
    return asked if asked in others else first
