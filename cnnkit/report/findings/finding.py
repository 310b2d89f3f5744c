"""Findings as text: place and message, the source line with a caret, what to do."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnkit.presentation.lines import Line, Piece, plain, styled
from cnnkit.presentation.numbers import beginning, cells, ending, plural, printable

if TYPE_CHECKING:
    from rich.text import Text

    from cnnkit.errors import Finding, Location

# A source line longer than this, as in minified JSON, is cut round the fault.
_LONGEST = 120
_TAB = 4
_COLORS = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}


def finding_text(finding: Finding, *, name: str | None = None, width: int | None = None) -> str:
    """A finding as plain text of one or more lines.

    Args:
        finding: What is shown.
        name: Stands for the place of a finding that has none, such as the network's name.
        width: Columns to wrap the help at; None leaves it on one line.
    """
    return plain(_lines(finding, name, width))


def findings_text(
    findings: Sequence[Finding], *, name: str | None = None, width: int | None = None
) -> str:
    """All findings, then how many there are; the empty string where there are none."""
    return plain(findings_lines(findings, name=name, width=width))


def findings_styled(
    findings: Sequence[Finding], *, name: str | None = None, width: int | None = None
) -> Text:
    """The same text with the styles of a terminal."""
    return styled(findings_lines(findings, name=name, width=width))


def findings_lines(
    findings: Sequence[Finding], *, name: str | None = None, width: int | None = None
) -> Iterator[Line]:
    """The lines of all findings, and last how many there are."""
    for finding in findings:
        yield from _lines(finding, name, width)
        yield []
    if findings:
        yield [Piece(counted(findings), "bold")]


def source_text(location: Location) -> str:
    """The source line with carets below the fault; the empty string where it is not known."""
    return plain(_source(location, None))


def counted(findings: Sequence[Finding]) -> str:
    """How many findings there are of each level: ``1 error, 2 warnings``."""
    levels: Counter[str] = Counter(finding.level for finding in findings)
    nouns = {"error": "error", "warning": "warning", "info": "note"}
    return ", ".join(plural(levels[level], noun) for level, noun in nouns.items() if levels[level])


def _lines(finding: Finding, name: str | None, width: int | None) -> Iterator[Line]:
    where = [str(finding.location)] if finding.location else [name, finding.path]
    place = "".join(f"{printable(part)}: " for part in where if part)
    level = "" if finding.level == "error" else f"{finding.level}: "
    message = printable(finding.message)
    yield [
        Piece(place, "bold"),
        Piece(level, _COLORS[finding.level]),
        Piece(message, _COLORS["error"] if finding.level == "error" else ""),
        Piece(f"  [{finding.rule}]", "dim"),
    ]
    if finding.location:
        yield from _source(finding.location, width)
    for location in finding.used_at:
        yield [Piece("  used at ", "dim"), Piece(printable(str(location)), "bold")]
        yield from _source(location, width)
    if finding.help:
        advice = _wrapped(f"help: {printable(finding.help)}", width)
        for number, line in enumerate(advice):
            head = 6 if number == 0 else 0
            yield [Piece(f"  {line[:head]}", "green"), Piece(line[head:])]


def _wrapped(text: str, width: int | None) -> list[str]:
    """Lines of at most ``width`` columns with the margin, hanging below the first word."""
    if width is None or len(text) + 2 <= width:
        return [text]
    return textwrap.wrap(
        text,
        max(width - 2, 20),
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _source(location: Location, width: int | None) -> Iterator[Line]:
    """The source line, and below it a caret under the first column of the fault."""
    if not location.text.strip():
        return
    number = str(location.line)
    budget = max(min(width or _LONGEST, _LONGEST) - len(number) - 5, 20)
    before, fault, after = snippet(location, budget)
    carets = "^" + "~" * (cells(fault) - 1)
    margin = " " * (len(number) + 3)
    yield [Piece(f"  {number} | ", "dim"), Piece(before + fault + after)]
    yield [Piece(f"{margin}| ", "dim"), Piece(" " * cells(before) + carets, "bold red")]


def snippet(location: Location, budget: int = _LONGEST) -> tuple[str, str, str]:
    """The source line in ``budget`` columns: what is before the fault, the fault, the rest."""
    text = location.text
    start = min(max(location.column - 1, 0), len(text))
    one_line = location.end_line == location.line
    end = min(location.end_column - 1, len(text)) if one_line else len(text.rstrip())
    head, fault, tail = _expanded(text[:start], text[start:end], text[end:])
    if cells(head + fault + tail) > budget:
        head = ending(head, budget // 2)
        fault = beginning(fault, budget - cells(head))
        tail = beginning(tail, budget - cells(head + fault))
    return head, fault, tail


def _expanded(*parts: str) -> list[str]:
    """Parts of a line with spaces for tabs, and with a mark for what cannot be printed."""
    shown: list[str] = []
    column = 0
    for part in parts:
        chars = []
        for char in part:
            if char == "\t":
                chars.append(" " * (_TAB - column % _TAB))
            else:
                chars.append(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}")
            column += cells(chars[-1])
        shown.append("".join(chars))
    return shown
