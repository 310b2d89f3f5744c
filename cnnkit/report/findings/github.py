"""Findings as GitHub's workflow commands, which a job's log turns into annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnkit.presentation.numbers import printable
from cnnkit.report.findings.places import entries, relative, root

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult
    from cnnkit.errors import Finding

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(results: Sequence[CheckResult]) -> str:
    """A line for each finding."""
    base = root()
    return "".join(
        _command(entry.finding, relative(entry.file, base)) + "\n" for entry in entries(results)
    )


def _command(finding: Finding, file: str) -> str:
    properties: dict[str, object] = {} if file.startswith("<") else {"file": file}
    where = finding.location
    if where is not None and properties:
        properties["line"] = where.line
        properties["endLine"] = where.end_line
        if where.line == where.end_line:  # GitHub refuses columns of a span of several lines
            properties["col"] = where.column
            properties["endColumn"] = where.end_column
    properties["title"] = finding.rule
    lines = [printable(finding.message)]
    if finding.help:
        lines.append(f"help: {printable(finding.help)}")
    lines += [f"used at {printable(str(location))}" for location in finding.used_at]
    shown = ",".join(f"{key}={escaped_property(str(value))}" for key, value in properties.items())
    message = escaped("\n".join(lines))
    return f"::{_COMMANDS[finding.level]} {shown}::{message}"


def escaped(text: str) -> str:
    r"""The text of a command on one line.

    >>> escaped("50 %\nof it")
    '50 %25%0Aof it'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped_property(text: str) -> str:
    """The value of a property, in which `:` and `,` have a meaning, too."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")
