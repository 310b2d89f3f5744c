"""What a report can be written as, and which format a file's name asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "table": "cnnkit.report.analysis.table",
        "json": "cnnkit.report.analysis.json",
        "csv": "cnnkit.report.analysis.csv",
        "markdown": "cnnkit.report.analysis.markdown",
        "html": "cnnkit.report.analysis.html",
        "latex": "cnnkit.report.analysis.latex",
        "svg": "cnnkit.report.analysis.svg",
        "pdf": "cnnkit.report.analysis.pdf",
        "tikz": "cnnkit.report.analysis.tikz",
    }
)
"""The formats of ``analyze``, and where each is written."""

FINDING_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "text": "cnnkit.report.findings.text",
        "concise": "cnnkit.report.findings.concise",
        "json": "cnnkit.report.findings.json",
        "github": "cnnkit.report.findings.github",
        "gitlab": "cnnkit.report.findings.gitlab",
        "sarif": "cnnkit.report.findings.sarif",
        "junit": "cnnkit.report.findings.junit",
    }
)
"""The formats of ``check``, and where each is written."""

SOLUTION_FORMATS: Final = ("table", "json", "markdown", "csv")
"""The formats of ``solve``."""

COMPARISON_FORMATS: Final = ("table", "json", "markdown")
"""The formats of ``diff``."""

RUN_FORMATS: Final = ("text", "json", "html")
"""The formats of ``compare``."""

_SUFFIXES: Final = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".svg": "svg",
    ".pdf": "pdf",
    ".tex": "latex",
    ".tikz": "tikz",
    ".sarif": "sarif",
    ".xml": "junit",
}


def format_of(output: PurePath | None, formats: Iterable[str]) -> str:
    """The format that a file's name asks for; the first one where it asks for none of them."""
    first, *others = formats
    asked = _SUFFIXES.get(output.suffix.lower()) if output is not None else None
    return asked if asked in others else first
