"""`# cnnkit: ignore[rule-name]` at the end of a line: a finding that is meant to be there.

The comment holds for the findings of its own line, and for those of a block that the line uses.
`# cnnkit: ignore` without names holds for all of them. What keeps a text from being read is
always shown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml

from cnnkit.checking.levels import Levels, unknown
from cnnkit.errors import Finding, Location
from cnnkit.spec.text.node import Source

_Scanner: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML starts a comment at a `#` that follows a blank, and ends it with the line.
_COMMENT: Final = re.compile(
    "(?:(?<=[ \t\n\r\x85\u2028\u2029\ufeff])|(?<![^\0]))#[ \t]*cnnkit[ \t]*:[ \t]*ignore\\b"
    "(?:[ \t]*\\[([^\\]\n\r]*)\\])?"
)
_NAME: Final = re.compile(r"[^\s,]+")


class Ignored(NamedTuple):
    """One name in a comment, or the comment as a whole where it names none."""

    name: str | None
    location: Location


@dataclass(slots=True)
class Suppressions:
    """The comments of one text, and which of them were needed."""

    by_line: dict[int, list[Ignored]] = field(default_factory=dict)
    used: set[Ignored] = field(default_factory=set)

    @classmethod
    def of(cls, source: Source) -> Suppressions:
        """The comments of a text."""
        found = cls()
        for ignored in _comments(source):
            found.by_line.setdefault(ignored.location.line, []).append(ignored)
        return found

    def suppresses(self, rule: str, line: int) -> bool:
        """Whether a comment on the line is meant for the rule, which is then remembered."""
        for ignored in self.by_line.get(line, ()):
            if ignored.name in (None, rule):
                self.used.add(ignored)
                return True
        return False

    def unused(self, levels: Levels) -> Iterator[Finding]:
        """The comments that no finding needs, or that name no rule.

        A rule that is not applied could not have needed its comment, so it is left alone.
        """
        for ignored in (each for line in self.by_line.values() for each in line):
            if ignored.name is None:
                if ignored not in self.used:
                    message = "there is nothing on this line to ignore"
                    yield _unused(message, ignored.location)
            elif fault := unknown(ignored.name):
                yield Finding("unknown-name", "warning", *fault, ignored.location)
            elif ignored not in self.used and levels.applies(ignored.name):
                message = f"there is no `{ignored.name}` on this line to ignore"
                yield _unused(message, ignored.location)


def _unused(message: str, where: Location) -> Finding:
    return Finding("unused-ignore", "info", message, "remove the comment", where)


def shown(findings: Iterable[Finding], by_file: Mapping[str, Suppressions]) -> list[Finding]:
    """The findings without those that a comment in one of these files suppresses."""
    return [finding for finding in findings if not _suppressed(finding, by_file)]


def _suppressed(finding: Finding, by_file: Mapping[str, Suppressions]) -> bool:
    places = [place for place in (finding.location, *finding.used_at) if place is not None]
    return any(
        place.file in by_file and by_file[place.file].suppresses(finding.rule, place.line)
        for place in places
    )


def _comments(source: Source) -> Iterator[Ignored]:
    """The names in the comments of a text, each with its place."""
    matches = list(_COMMENT.finditer(source.text)) if "cnnkit" in source.text else []
    if not matches:
        return
    starts, ends = _scalars(source.text)
    for match in matches:
        before = bisect_right(starts, match.start()) - 1
        if before >= 0 and match.start() < ends[before]:
            continue  # the sign is part of a string
        if match[1] is None:
            yield Ignored(None, _location(source, *match.span()))
        for name in _NAME.finditer(match[1] or ""):
            start = match.start(1) + name.start()
            yield Ignored(name.group(), _location(source, start, start + len(name.group())))


def _scalars(text: str) -> tuple[list[int], list[int]]:
    """Where the strings of a text start and end: a `#` in one of them starts no comment."""
    starts, ends = [], []
    scanner = _Scanner(text)
    try:
        while token := scanner.get_token():
            if isinstance(token, yaml.ScalarToken):
                start = token.start_mark.index
                if token.style in ("|", ">"):  # a comment may follow the sign of a text block
                    start = text.find("\n", start)
                starts.append(start)
                ends.append(token.end_mark.index)
    except (yaml.YAMLError, ValueError):
        pass  # what comes after a fault of the text is not judged
    return starts, ends


def _location(source: Source, start: int, end: int) -> Location:
    line, column = source.position(start)
    return source.location(line, column, line, column + end - start)
