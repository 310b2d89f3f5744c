"""An analysis or findings as text: one file a format.

Each module of ``FORMATS`` has ``render(analyses, options) -> str``. It is imported when it is
used: only the table needs rich.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from cnnkit.errors import UsageError
from cnnkit.report.options import Options

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis

__all__ = ["EXPLAINING", "FORMATS", "Options", "render"]

FORMATS = {
    "table": "cnnkit.report.table",
    "json": "cnnkit.report.json",
    "csv": "cnnkit.report.csv",
    "markdown": "cnnkit.report.markdown",
    "html": "cnnkit.report.html",
    "svg": "cnnkit.report.svg",
}
"""The formats of ``analyze``, and where each is written."""

EXPLAINING = ("table", "markdown", "html")
"""The formats that can show how each number comes about."""


def render(
    analyses: Sequence[Analysis],
    format: str = "table",  # noqa: A002 - the name of the flag
    *,
    depth: int | None = None,
    explain: bool = False,
    width: int | None = None,
    color: bool = False,
) -> str:
    """The report of analyses as a text that ends in a line break.

    Args:
        analyses: What is reported.
        format: A key of ``FORMATS``.
        depth: Levels of nested layers that are shown; None leaves it to the format.
        explain: Show each number with its derivation.
        width: Columns that a table must fit in; None, as for a pipe, shortens nothing.
        color: Whether a table may hold terminal colours.

    Raises:
        UsageError: The format is unknown, or cannot show what is asked for.
    """
    if format not in FORMATS:
        raise UsageError(f"there is no format `{format}`; there are {', '.join(FORMATS)}")
    if explain and format not in EXPLAINING:
        raise UsageError(
            f"`--explain` is for the formats {', '.join(EXPLAINING)}, not for `{format}`"
        )
    options = Options(depth, explain, width, color)
    text: str = import_module(FORMATS[format]).render(analyses, options)
    return text
