"""Which format the name of a file asks for, of those that a command has."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.report.formats import (
    COMPARISON_FORMATS,
    FINDING_FORMATS,
    FORMATS,
    SOLUTION_FORMATS,
    format_of,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.json", ("json", "json", "json", "json")),
        ("a.csv", ("csv", "text", "csv", "table")),
        ("a.MD", ("markdown", "text", "markdown", "markdown")),
        ("a.markdown", ("markdown", "text", "markdown", "markdown")),
        ("a.htm", ("html", "text", "table", "table")),
        ("a.svg", ("svg", "text", "table", "table")),
        ("a.sarif", ("table", "sarif", "table", "table")),
        ("a.xml", ("table", "junit", "table", "table")),
        ("a.txt", ("table", "text", "table", "table")),
        ("json", ("table", "text", "table", "table")),
    ],
)
def test_a_suffix_asks_for_a_format_where_the_command_has_it(
    name: str, expected: tuple[str, ...]
) -> None:
    tables = (FORMATS, FINDING_FORMATS, SOLUTION_FORMATS, COMPARISON_FORMATS)
    assert tuple(format_of(Path(name), table) for table in tables) == expected


def test_no_file_asks_for_the_first_format() -> None:
    assert format_of(None, FORMATS) == "table"
    assert format_of(None, FINDING_FORMATS) == "text"
