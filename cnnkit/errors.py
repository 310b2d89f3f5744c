"""What can go wrong, as values and as exceptions.

A mistake in a user's spec is a value, a ``Finding``: it has a stable name, says what is wrong
and what to do, and points at the source. An exception is raised only at the door:

    CnnkitError
    ├── SpecError          a spec with findings of level error was asked for as a ``Spec``
    ├── UsageError         the command or call itself is wrong: a missing file, a bad flag
    ├── DataError          files of a data set are damaged, or do not fit the network
    ├── TrainingError      a run ended without its result: no numbers, no memory, no space
    ├── ExportError        a file for other tools does not say what the network computes
    ├── MissingExtraError  the work needs a package of an extra that is not installed
    └── LayerError         a layer of a sound spec could not be built or applied
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CnnkitError",
    "DataError",
    "ExportError",
    "Finding",
    "LayerError",
    "Level",
    "Location",
    "MissingExtraError",
    "SpecError",
    "TrainingError",
    "UsageError",
    "did_you_mean",
    "exit_code_of",
    "in_order",
]

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a source text. Lines and columns count from 1; the end is exclusive.

    ``text`` is the source line at ``line``, for display beside the finding.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a spec.

    Attributes:
        rule: The stable name of the fault, such as ``invalid-stride``.
        level: ``error``, ``warning`` or ``info``.
        message: What is wrong, with the values put in.
        help: What to do about it, where something can be said.
        location: Where in the source, where the spec came from a text.
        path: The layer's path in the spec, such as ``layers.3``.
        used_at: For a fault inside a block, the lines that used the block, innermost first.
    """

    rule: str
    level: Level
    message: str
    help: str | None = None
    location: Location | None = None
    path: str | None = None
    used_at: tuple[Location, ...] = ()

    def to_dict(self) -> dict[str, str | int | None]:
        """The finding as the JSON reports show it. Every key is always there."""
        where = self.location
        return {
            "rule": self.rule,
            "level": self.level,
            "message": self.message,
            "help": self.help,
            "file": where.file if where else None,
            "line": where.line if where else None,
            "column": where.column if where else None,
            "end_line": where.end_line if where else None,
            "end_column": where.end_column if where else None,
            "path": self.path,
        }


class CnnkitError(Exception):
    """The root of this package's exceptions."""


class SpecError(CnnkitError):
    """A spec that has findings of level error was asked for as a ``Spec``.

    Attributes:
        findings: All that is wrong with it.
        name: What stands for the place of a finding that has none, such as the spec's file.
    """

    def __init__(self, findings: Sequence[Finding], name: str | None = None) -> None:
        self.findings = tuple(findings)
        self.name = name
        super().__init__("\n".join(_one_line(finding) for finding in self.findings))


class UsageError(CnnkitError):
    """The command or call itself is wrong: a missing file, a bad flag."""


class DataError(CnnkitError):
    """A data set cannot be used: its files are damaged, or it does not fit the network.

    Attributes:
        problems: All that was found, each in a sentence that names the file; the message shows
            the first of them.
    """

    SHOWN = 10

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        more = len(problems) - self.SHOWN
        lines = [
            *problems[: self.SHOWN],
            *([f"… and {more:,} more like these"] if more > 0 else []),
        ]
        super().__init__("\n  ".join(map(_printable, lines)))


class TrainingError(CnnkitError):
    """A run ended without its result: it lost its numbers, memory or disk space gave out."""


class ExportError(CnnkitError):
    """A file that was written for other tools does not say what the network computes."""


class MissingExtraError(CnnkitError):
    """The work needs a package of an extra that is not installed."""


class LayerError(CnnkitError):
    """A layer of a sound spec could not be built or applied; the message names its line."""


def _printable(text: str) -> str:
    """The text with escapes for what a file's name may send to a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _one_line(finding: Finding) -> str:
    where = f"{finding.location}: " if finding.location else ""
    advice = f" (help: {finding.help})" if finding.help else ""
    return f"{where}{finding.message}  [{finding.rule}]{advice}"


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of their places in the source; those that have none come last."""

    def position(finding: Finding) -> tuple[bool, str, int, int]:
        where = finding.location
        return (False, where.file, where.line, where.column) if where else (True, "", 0, 0)

    return sorted(findings, key=position)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to a misspelt one, or None where none is near."""
    from difflib import get_close_matches  # only a faulty spec pays for this import

    candidates = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    return candidates[near[0]] if near else None


def exit_code_of(error: CnnkitError) -> int:
    """What a command ends with: 1 for what was found in the work, 2 for a command that is wrong."""
    return 1 if isinstance(error, SpecError | DataError | ExportError | TrainingError) else 2
