"""A comparison of two networks as text: one entry a format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnnkit.presentation.lines import plain
from cnnkit.presentation.output import put_lines, put_text
from cnnkit.report.comparison import markdown
from cnnkit.report.comparison.table import lines

if TYPE_CHECKING:
    from pathlib import Path

    from cnnkit.report.comparison.view import ComparisonView


def write(
    view: ComparisonView,
    format: str = "table",  # noqa: A002 - the name of the flag
    output: Path | None = None,
) -> None:
    """Writes a comparison to a file or to standard output.

    Raises:
        UsageError: The file cannot be written.
    """
    if format == "table":
        put_lines(lambda width: lines(view, width), output)
    else:
        put_text(render(view, format), output)


def render(
    view: ComparisonView,
    format: str = "table",  # noqa: A002 - the name of the flag
    width: int | None = None,
) -> str:
    """A comparison as a text; a table fits in ``width`` where that is given."""
    if format == "json":
        text = json.dumps(_document(view), ensure_ascii=False, indent=2)
        return text.encode("utf-8", "backslashreplace").decode() + "\n"
    if format == "markdown":
        return markdown.render(view)
    return plain(lines(view, width)) + "\n"


def _document(view: ComparisonView) -> dict[str, Any]:
    return view.comparison.to_dict() | {
        "conditions": [
            {"condition": condition.text, "met": met} for condition, met in view.conditions
        ]
    }
