"""One file -> what is wrong with it: its text, its geometry, its rules, `expect:` and `budget:`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from cnnkit import rules
from cnnkit.analysis import Analysis, analyze
from cnnkit.checking.discovery import STDIN, Candidate, is_spec, may_be_spec
from cnnkit.checking.levels import Levels, RuleSelection, chosen, unknown
from cnnkit.checking.suppression import Suppressions, shown
from cnnkit.errors import Finding, in_order
from cnnkit.garbage import uncollected
from cnnkit.rules.base import place_in
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import Reading, finish, is_model
from cnnkit.spec.text.limits import MAX_FILE_BYTES
from cnnkit.spec.text.node import Source, YamlNode
from cnnkit.spec.text.source import read_file, read_start, read_stream, read_text

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
        hidden: How many more findings there are, which a baseline or level leaves out.
    """

    file: str
    findings: tuple[Finding, ...]
    strict: bool = False
    extends: tuple[str, ...] = ()
    is_spec: bool = True
    fixed: tuple[str, ...] = ()
    hidden: int = 0

    def fails(self, finding: Finding) -> bool:
        """Whether a finding fails the check."""
        return finding.level == "error" or (self.strict and finding.level == "warning")

    @property
    def ok(self) -> bool:
        """Whether nothing in it fails the check."""
        return not any(map(self.fails, self.findings))

    def showing(self, findings: Iterable[Finding]) -> CheckResult:
        """The result with these of its findings; the others are hidden."""
        shown = tuple(findings)
        return replace(self, findings=shown, hidden=self.hidden + len(self.findings) - len(shown))


@dataclass(frozen=True, slots=True)
class CheckTask:
    """A file to check, and how; small, as it may go to another process.

    Attributes:
        candidate: The file.
        choice: What the command line says of the rules.
        strict: Whether the command line lets warnings fail.
        overrides: Values that are set before the spec is read.
    """

    candidate: Candidate
    choice: RuleSelection = field(default_factory=RuleSelection)
    strict: bool = False
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What reports call the file."""
        return "<stdin>" if self.candidate.name == STDIN else self.candidate.name


class Read(NamedTuple):
    """What came of reading a file.

    Attributes:
        spec: The spec, where there is enough of one.
        findings: The faults of the text.
        sources: The texts that it was read from, by their names.
    """

    spec: Spec | None
    findings: list[Finding]
    sources: dict[str, Source]


class CheckedSpec(NamedTuple):
    """What came of checking what was read: with the analysis, where there is one."""

    result: CheckResult
    analysis: Analysis | None
    levels: Levels | None


@uncollected
def check(task: CheckTask) -> CheckResult | None:
    """What is wrong with a file; None where it was found in a folder and is no spec.

    Raises:
        UsageError: An override names no place in the spec.
    """
    found = read(task)
    return judge(task, found).result if found else None


def read(task: CheckTask, text: str | None = None) -> Read | None:
    """The spec of a file, or of a text that may take its place; None where it is no spec."""
    path = task.candidate.path
    if text is not None:
        node, findings = read_text(text, task.name)
    elif task.candidate.named and is_model(task.name):
        return _imported(task)
    elif path is None:
        node, findings = read_stream(sys.stdin.buffer, task.name)
    elif task.candidate.named:
        node, findings = read_file(Path(path))
    else:
        data = _start(path)
        if data is not None and not may_be_spec(data, path):
            return None
        if data is None or len(data) > MAX_FILE_BYTES:
            node, findings = read_file(Path(path))  # finds the words for it
        else:
            node, findings = read_stream(BytesIO(data), task.name)
        if data is not None and not is_spec(node, data, path):
            return None
    if node is None or any(finding.rule in _BROKEN for finding in findings):
        return Read(None, findings, {})
    return _read(finish(node, findings, task.overrides, path))


def _imported(task: CheckTask) -> Read:
    """A model of another framework as the spec that an import writes."""
    from cnnkit.importing.source import read_model

    return _read(read_model(Path(task.name), task.overrides))


def _read(reading: Reading) -> Read:
    document = reading.spec.origin.document if reading.spec else None
    return Read(reading.spec, list(reading.findings), sources(document))


def _start(path: str) -> bytes | None:
    """The bytes of a file, up to the first that is too many; None where it cannot be read."""
    try:
        # Not by `Path` and unbuffered, which takes half the time: it is done to every file.
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return read_start(file)
    except OSError:
        return None


def judge(task: CheckTask, found: Read) -> CheckedSpec:
    """What is wrong with what was read, once levels, expectations and comments are heard."""
    spec, faults, sources = found
    analysis = levels = None
    findings = faults
    if spec is not None:
        own = RuleSelection(None, spec.rules.ignore, spec.rules.warning, spec.rules.error)
        levels = chosen(task.candidate.configuration.choice, own, task.choice)
        analysis = analyze(spec)
        findings = list(_findings(task.name, analysis, found, levels))
    result = CheckResult(
        task.name,
        tuple(in_order(findings)),
        task.strict or task.candidate.configuration.strict,
        tuple(name for name in sources if name != task.name),
    )
    return CheckedSpec(result, analysis, levels)


def _findings(name: str, analysis: Analysis, found: Read, levels: Levels) -> Iterator[Finding]:
    spec = analysis.spec
    findings = list(analysis.findings)
    if not found.findings:  # what a rule says of half a network only follows from the faults
        # A rule that is expected to find its fault is applied even where nothing else selects it.
        expected = (spec.expect and spec.expect.findings) or ()
        findings += rules.applied(analysis, (*levels.names, *expected))
    faults = set(found.findings)
    findings = rules.settle(spec, findings)
    comments = {file: Suppressions.of(source) for file, source in found.sources.items()}
    yield from (each for each in findings if each in faults)
    others = levels.judged(each for each in findings if each not in faults)
    yield from shown((_with_use(each, spec) for each in others), comments)
    yield from _unknown_rules(spec)
    if name in comments:
        yield from levels.judged(comments[name].unused(levels))


def _with_use(finding: Finding, spec: Spec) -> Finding:
    """The finding with the line `extends:`, where it is in the text of an extended spec."""
    document, where = spec.origin.document, finding.location
    extends = document.key_location("extends") if document else None
    if extends is None or where is None or where.file == extends.file:
        return finding
    return replace(finding, used_at=(*finding.used_at, extends))


def _unknown_rules(spec: Spec) -> Iterator[Finding]:
    """The names in the section `rules:` that no rule has."""
    for key in ("ignore", "warning", "error"):
        for index, name in enumerate(getattr(spec.rules, key)):
            if fault := unknown(name):
                where = place_in(spec, "rules", key, index)
                yield Finding("unknown-name", "error", *fault, where)


def sources(document: YamlNode | None) -> dict[str, Source]:
    """The texts of a document by their names: its own and those that it extends."""
    if document is None:
        return {}
    if "extends" not in document.keys:
        return {document.source.name: document.source}
    nodes = [document]
    for _ in range(3):  # sections, the keys of those that are merged, the fields of defaults
        nodes += [inner for node in nodes if isinstance(node.value, dict)
                  for inner in node.value.values()]  # fmt: skip
    return {node.source.name: node.source for node in nodes if node.source.text}
