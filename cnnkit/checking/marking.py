"""What a solution is worth: the teacher's expectations, points for each, and a spec's score.

A marking is a YAML file with the sections `expect:` and `budget:` of a spec, `points:` that give a
figure of these more than one point, and `hidden:`, the figures of which students are not told:

    expect: {neurons: 3908, parameters: 5100, output: [4]}
    budget: {macs: 900k}
    points: {expect.parameters: 3}
    hidden: [expect.parameters]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cnnkit.analysis import Analysis, analyze
from cnnkit.errors import Finding, SpecError, UsageError, did_you_mean
from cnnkit.rules import expectation_failed, over_budget
from cnnkit.rules.base import RuleContext
from cnnkit.spec.language.faults import Fault, faults_of, shown
from cnnkit.spec.language.place import inmost
from cnnkit.spec.language.reader import what
from cnnkit.spec.model.section import Section
from cnnkit.spec.model.spec import Budget, Expect
from cnnkit.spec.reading import Reading
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.source import read_file

_SECTIONS: Mapping[str, type[Section]] = {"expect": Expect, "budget": Budget}
_KEYS = (*_SECTIONS, "points", "hidden")


@dataclass(frozen=True)
class Marking:
    """A teacher's file.

    Attributes:
        expect: What a solution must give, exactly.
        budget: What it must not exceed.
        points: The points of a figure; 1 where it has none here.
        hidden: The figures of which students are not told.
    """

    expect: Expect | None = None
    budget: Budget | None = None
    points: Mapping[str, float] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[str, ...]:
        """What points are given for, by their names: `expect.output`."""
        expected = self.expect.figures() if self.expect else {}
        shapes = ["expect.output"] if self.expect and self.expect.output is not None else []
        limited = self.budget.figures() if self.budget else {}
        return (
            *(f"expect.{name}" for name in expected),
            *shapes,
            *(f"budget.{name}" for name in limited),
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """What came of one figure.

    Attributes:
        figure: Its name: `expect.parameters`.
        points: What it is worth.
        problem: Why there are no points for it, with the values put in; None where there are.
        hidden: Whether students are not told of it.
    """

    figure: str
    points: float
    problem: str | None
    hidden: bool

    @property
    def score(self) -> float:
        """The points that are given."""
        return 0 if self.problem else self.points


@dataclass(frozen=True, slots=True)
class Score:
    """What a spec is worth.

    Attributes:
        name: Its file.
        marks: What came of each figure.
        findings: What is wrong with the spec itself.
    """

    name: str
    marks: tuple[Mark, ...]
    findings: tuple[Finding, ...]

    @property
    def points(self) -> float:
        """The points that are given."""
        return sum(mark.score for mark in self.marks)

    @property
    def most(self) -> float:
        """All the points that there are."""
        return sum(mark.points for mark in self.marks)


def read_marking(path: Path) -> Marking:
    """The marking in a file.

    Raises:
        UsageError: There is no such file.
        SpecError: It says what no marking says; each finding has its place.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path} to score by")
    node, findings = read_file(path)
    if node is None or any(finding.level == "error" for finding in findings):
        raise SpecError(findings)
    if not isinstance(node.value, dict):
        message = f"a marking is a mapping, and this is {what(node)}"
        advice = "write `expect: {parameters: 5100}`"
        raise SpecError([Finding("wrong-type", "error", message, advice, node.location())])
    faults = list(_misnamed(node.value))
    given: dict[str, Any] = {}
    for key, model in _SECTIONS.items():
        if key in node.value and node.value[key].value is not None:
            try:
                given[key] = model.model_validate(node.value[key].plain())
            except ValidationError as error:
                faults += [each.below((key,)) for each in faults_of(error, model, key)]
    points, hidden = _plain(node, "points", {}), _plain(node, "hidden", [])
    faults += [*_faults_of_points(points), *_faults_of_hidden(hidden)]
    if not faults:
        marking = Marking(**given, points=points, hidden=tuple(hidden))
        faults += _unknown(marking)
    if faults:
        raise SpecError([_finding(fault, node) for fault in faults])
    return marking


def _misnamed(sections: Mapping[str, YamlNode]) -> Iterator[Fault]:
    for key in sections:
        if key not in _KEYS:
            near = did_you_mean(key, _KEYS)
            advice = f"did you mean `{near}`?" if near else f"it has {', '.join(_KEYS)}"
            message = f"a marking has no section `{key}`"
            yield Fault("unknown-key", message, advice, (key,), on_key=True)


def _plain(node: YamlNode, key: str, empty: Any) -> Any:
    assert isinstance(node.value, dict)  # noqa: S101 - as the caller has seen
    given = node.value.get(key)
    return empty if given is None or given.value is None else given.plain()


def _faults_of_points(points: Any) -> Iterator[Fault]:
    advice = "write the points of figures, such as `points: {expect.parameters: 3}`"
    if not isinstance(points, dict):
        yield Fault("wrong-type", "`points` is not a mapping", advice, ("points",))
        return
    for figure, worth in points.items():
        number = isinstance(worth, (int, float)) and not isinstance(worth, bool)
        if not number or not 0 < worth < 10**6:
            message = f"`{figure}` cannot be worth {shown(worth)}"
            advice = "points are a number above 0 and below a million"
            yield Fault("wrong-value", message, advice, ("points", figure))


def _faults_of_hidden(hidden: Any) -> Iterator[Fault]:
    if not isinstance(hidden, list) or not all(isinstance(each, str) for each in hidden):
        advice = "write `hidden: [expect.parameters]`"
        yield Fault("wrong-type", "`hidden` is not a list of figures", advice, ("hidden",))


def score(name: str, reading: Reading, marking: Marking) -> Score:
    """What a spec that was read is worth; a figure of a spec with errors has no points."""
    analysis = analyze(reading.spec) if reading.spec is not None else None
    findings = reading.findings if analysis is None else analysis.findings
    faulty = next((finding for finding in findings if finding.level == "error"), None)
    marks = []
    for figure in marking.figures:
        problem = None if faulty is None else f"the spec has an error: {faulty.message}"
        if problem is None and analysis is not None:
            problem = _problem(analysis, marking, figure)
        hidden = figure in marking.hidden
        marks.append(Mark(figure, marking.points.get(figure, 1), problem, hidden))
    return Score(name, tuple(marks), tuple(findings))


def _problem(analysis: Analysis, marking: Marking, figure: str) -> str | None:
    """Why a network does not give a figure."""
    section, _, name = figure.partition(".")
    given = marking.expect if section == "expect" else marking.budget
    alone = {section: type(given)(**{name: getattr(given, name)}) if given else None}
    others = {"expect": None, "budget": None}
    spec = analysis.spec.model_copy(update={**others, **alone})
    context = RuleContext(replace(analysis, spec=spec))
    rule = expectation_failed if section == "expect" else over_budget
    found = next(rule.check(context), None)
    return None if found is None else found.message


def _unknown(marking: Marking) -> Iterator[Fault]:
    """The figures under `points:` and `hidden:` that the marking does not have."""
    if not marking.figures:
        message = "a marking needs `expect` or `budget`: the figures that points are given for"
        yield Fault("missing-field", message, "write `expect: {parameters: 5100}`")
        return
    named: Sequence[tuple[str, tuple[str | int, ...], bool]] = [
        *((figure, ("points", figure), True) for figure in marking.points),
        *((figure, ("hidden", index), False) for index, figure in enumerate(marking.hidden)),
    ]
    for figure, at, on_key in named:
        if figure not in marking.figures:
            near = did_you_mean(figure, marking.figures)
            advice = f"did you mean `{near}`?" if near else f"it has {', '.join(marking.figures)}"
            message = f"`{figure}` is no figure of this marking"
            yield Fault("unknown-name", message, advice, at, on_key)


def _finding(fault: Fault, node: YamlNode) -> Finding:
    at = inmost(node, fault.field).location()
    if fault.on_key:
        *above, key = fault.field
        at = inmost(node, above).key_location(str(key)) or at
    return Finding(fault.rule, "error", fault.message, fault.help, at)
