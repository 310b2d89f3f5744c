"""An analysis or findings as text: one file a format.

Each module of ``FORMATS`` has ``render(results, options) -> str``, each of ``FINDING_FORMATS``
``render(results) -> str``. It is imported when it is used, and rich where a
terminal is written to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.presentation.output import put_bytes, put_text
from cnnkit.report.analysis.options import ReportOptions
from cnnkit.report.formats import FINDING_FORMATS, FORMATS

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult
    from cnnkit.report.analysis.options import Result

__all__ = [
    "BINARY",
    "EXPLAINING",
    "FINDING_FORMATS",
    "FORMATS",
    "SCALING",
    "ReportOptions",
    "render",
    "render_findings",
    "write",
    "write_findings",
    "write_statistics",
]

EXPLAINING = ("table", "markdown", "html")
"""The formats that can show how each number comes about."""

SCALING = (*EXPLAINING, "json")
"""The formats that can show a training on many devices, and how it scales."""

DRAWING = ("html", "svg", "pdf", "tikz")
"""The formats that hold a drawing."""

BINARY = ("pdf",)
"""The formats that are no text."""


def render(
    results: Sequence[Result],
    format: str = "table",  # noqa: A002 - the name of the flag
    *,
    depth: int | None = None,
    explain: bool = False,
    width: int | None = None,
    color: bool = False,
    to_scale: bool = False,
) -> str:
    """The report of specs as a text that ends in a line break.

    Args:
        results: What is reported.
        format: A key of ``FORMATS``.
        depth: Levels of nested layers that are shown; None leaves it to the format.
        explain: Show each number with its derivation.
        width: Columns that a table must fit in; None, as for a pipe, shortens nothing.
        color: Whether a table may hold terminal colours.
        to_scale: Whether a drawing shows extents and channels in proportion.

    Raises:
        UsageError: The format is unknown or no text, or cannot show what is asked for.
    """
    _check(format, explain=explain, to_scale=to_scale)
    if format in BINARY:
        raise UsageError(f"`{format}` is no text: write it to a file")
    options = ReportOptions(depth, explain, width, color, to_scale)
    text: str = import_module(FORMATS[format]).render(results, options)
    return text


def write(
    results: Sequence[Result],
    format: str = "table",  # noqa: A002 - the name of the flag
    output: StrPath | None = None,
    *,
    depth: int | None = None,
    explain: bool = False,
    to_scale: bool = False,
) -> None:
    """Writes the report to a file, or to standard output: on a terminal in its width and colours.

    Raises:
        UsageError: The format cannot show what is asked for, or the file cannot be written.
    """
    _check(format, explain=explain, to_scale=to_scale)
    if format in BINARY:
        data: bytes = import_module(FORMATS[format]).render(
            results, ReportOptions(depth, explain, to_scale=to_scale)
        )
        put_bytes(data, output)
        return
    if output is None and format == "table" and sys.stdout.isatty():
        from rich.console import Console

        from cnnkit.report.analysis.table import print_to

        print_to(Console(), results, ReportOptions(depth, explain))
        return
    text = render(results, format, depth=depth, explain=explain, to_scale=to_scale)
    put_text(text, output)


def render_findings(
    results: Sequence[CheckResult],
    format: str = "text",  # noqa: A002 - the name of the flag
) -> str:
    """The results of a check as a text.

    Args:
        results: What ``cnnkit.checking.run`` gives.
        format: A key of ``FINDING_FORMATS``.
    """
    text: str = import_module(FINDING_FORMATS[format]).render(results)
    return text


def write_findings(
    results: Sequence[CheckResult],
    format: str = "text",  # noqa: A002 - the name of the flag
    output: StrPath | None = None,
) -> None:
    """Writes the results of a check to a file, or to standard output.

    Raises:
        UsageError: The file cannot be written.
    """
    if output is None and format == "text" and sys.stdout.isatty():
        from rich.console import Console

        from cnnkit.report.findings.text import print_to

        print_to(Console(), results)
    else:
        put_text(render_findings(results, format), output)


def write_statistics(results: Sequence[CheckResult], output: StrPath | None = None) -> None:
    """Writes how often each rule finds something to a file, or to standard output.

    Raises:
        UsageError: The file cannot be written.
    """
    from cnnkit.report.findings.statistics import render as counted

    put_text(counted(results), output)


def _check(
    format: str,  # noqa: A002 - the name of the flag
    *,
    explain: bool,
    to_scale: bool,
) -> None:
    if format not in FORMATS:
        raise UsageError(f"there is no format `{format}`; there are {', '.join(FORMATS)}")
    if explain and format not in EXPLAINING:
        raise UsageError(
            f"`--explain` is for the formats {', '.join(EXPLAINING)}, not for `{format}`"
        )
    if to_scale and format not in DRAWING:
        raise UsageError(
            f"`--to-scale` is for the formats {', '.join(DRAWING)}, not for `{format}`"
        )
