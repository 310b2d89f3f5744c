"""One file -> what is wrong with it: its text, its geometry, its rules, `expect:` and `budget:`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from cnnkit import rules
from cnnkit.analysis import Analysis, analyze
from cnnkit.checking.configuration import Configuration
from cnnkit.checking.discovery import STDIN, Candidate, is_spec, may_be_spec
from cnnkit.checking.levels import Choice, Levels, unknown
from cnnkit.checking.suppression import Suppressions, shown
from cnnkit.errors import Finding
from cnnkit.garbage import uncollected
from cnnkit.rules.base import place_in
from cnnkit.spec.model import Spec
from cnnkit.spec.node import Node, Source
from cnnkit.spec.reading import finish
from cnnkit.spec.source import read_file, read_stream

# The text itself is not what it should be; what else would be found of it follows from that.
_BROKEN = frozenset({"syntax", "too-large", "unreadable-file"})


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of checking one file.

    Attributes:
        file: What reports call the file.
        findings: What is wrong with it, in the order of the text.
        strict: Whether its warnings fail the check.
        extends: The other files that it was read from.
        is_spec: Whether the file is a spec; a configuration has findings, too.
        fixed: What was mended, a line each.
    """

    file: str
    findings: tuple[Finding, ...]
    strict: bool = False
    extends: tuple[str, ...] = ()
    is_spec: bool = True
    fixed: tuple[str, ...] = ()

    def fails(self, finding: Finding) -> bool:
        """Whether a finding fails the check."""
        return finding.level == "error" or (self.strict and finding.level == "warning")

    @property
    def ok(self) -> bool:
        """Whether nothing in it fails the check."""
        return not any(map(self.fails, self.findings))


@dataclass(frozen=True, slots=True)
class Task:
    """A file to check, and how; small, as it may go to another process.

    Attributes:
        candidate: The file.
        configuration: The configuration nearest to it.
        choice: What the command line says of the rules.
        strict: Whether the command line lets warnings fail.
        overrides: Values that are set before the spec is read.
    """

    candidate: Candidate
    configuration: Configuration = Configuration()
    choice: Choice = Choice()
    strict: bool = False
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What reports call the file."""
        return "<stdin>" if self.candidate.name == STDIN else self.candidate.name


@uncollected
def check(task: Task) -> CheckResult | None:
    """What is wrong with a file; None where it was found in a folder and is no spec.

    Raises:
        UsageError: An override names no place in the spec.
    """
    read = _read(task)
    if read is None:
        return None
    spec, sources, found = read
    if spec is not None:
        found = list(_judged(task, spec, sources, found))
    return CheckResult(
        task.name,
        tuple(sorted(found, key=_position)),
        task.strict or task.configuration.strict,
        tuple(name for name in sources if name != task.name),
    )


def analysed(task: Task) -> tuple[Analysis, Levels] | None:
    """The analysis of a file and the rules that apply to it; None where it has text faults."""
    read = _read(task)
    if read is None or read[0] is None or read[2]:
        return None
    spec = read[0]
    return analyze(spec), _levels(task, spec)


def _read(task: Task) -> tuple[Spec | None, dict[str, Source], list[Finding]] | None:
    """The spec, the texts that it was read from by their names, and the faults of the texts."""
    candidate = task.candidate
    if candidate.name == STDIN:
        node, findings = read_stream(sys.stdin.buffer, task.name)
    else:
        if not candidate.named and not may_be_spec(candidate.path):
            return None
        node, findings = read_file(candidate.path)
        if not candidate.named and not is_spec(node, candidate.path):
            return None
    if node is None or any(finding.rule in _BROKEN for finding in findings):
        return None, {}, findings
    path = None if candidate.name == STDIN else candidate.path
    reading = finish(node, findings, task.overrides, path)
    document = reading.spec.origin.document if reading.spec else None
    return reading.spec, _sources(document), list(reading.findings)


def _judged(
    task: Task, spec: Spec, sources: dict[str, Source], faults: list[Finding]
) -> Iterator[Finding]:
    """All findings of a spec, once its levels, its expectations and its comments are heard."""
    levels = _levels(task, spec)
    analysis = analyze(spec)
    found = list(analysis.findings)
    if not faults:  # what a rule says of half a network would only follow from the faults
        # A rule that is expected to find its fault is applied even where nothing else selects it.
        expected = (spec.expect and spec.expect.findings) or ()
        found += rules.applied(analysis, {*levels.names, *expected})
    found = rules.settle(spec, found)
    unread = set(faults)
    comments = {name: Suppressions.of(source) for name, source in sources.items()}
    yield from (finding for finding in found if finding in unread)
    yield from shown(levels.judged(each for each in found if each not in unread), comments)
    yield from _unknown_rules(spec)
    if task.name in comments:
        yield from comments[task.name].unused(levels)


def _levels(task: Task, spec: Spec) -> Levels:
    own = Choice(None, spec.rules.ignore, spec.rules.warning, spec.rules.error)
    return Levels([task.configuration.choice, own, task.choice])


def _unknown_rules(spec: Spec) -> Iterator[Finding]:
    """The names in the section `rules:` that no rule has."""
    for key in ("ignore", "warning", "error"):
        for index, name in enumerate(getattr(spec.rules, key)):
            if fault := unknown(name):
                where = place_in(spec, "rules", key, index)
                yield Finding("unknown-name", "error", *fault, where)


def _sources(document: Node | None) -> dict[str, Source]:
    """The texts of a document by their names: its own and those that it extends."""
    if document is None:
        return {}
    nodes = [document]
    for _ in range(2):  # sections, and the keys of the sections that are merged
        nodes += [inner for node in nodes if isinstance(node.value, dict)
                  for inner in node.value.values()]  # fmt: skip
    return {node.source.name: node.source for node in nodes if node.source.text}


def _position(finding: Finding) -> tuple[bool, str, int, int, str, str]:
    """Sorts by place, then by rule, so that the order is the same in every run."""
    where = finding.location
    if where is None:
        return True, "", 0, 0, finding.rule, finding.message
    return False, where.file, where.line, where.column, finding.rule, finding.message
