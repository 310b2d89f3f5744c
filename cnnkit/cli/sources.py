"""The specs that a command line names, read and analysed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict, Unpack

from cnnkit.errors import SpecError, UsageError
from cnnkit.spec.reading import Reading, is_model, read, read_input
from cnnkit.spec.text.scalars import shortened

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis
    from cnnkit.analysis.extents import OpenAnalysis
    from cnnkit.analysis.machines import Machine
    from cnnkit.analysis.precision import Precision
    from cnnkit.analysis.result import Unreadable
    from cnnkit.spec.model.spec import Spec

STDIN = "-"
# Fewer files than this are done before a person has read a progress bar.
_MANY = 50


class AnalyzeArguments(TypedDict):
    """The keyword arguments of ``analyze``."""

    batch: int
    precision: Precision
    optimizer: str
    convention: str | None
    machine: NotRequired[Machine | str | None]


def analyses_of(
    sources: Sequence[str], assignments: Sequence[str], **settings: Unpack[AnalyzeArguments]
) -> list[Analysis | Unreadable]:
    """The analysis of each source: a path, of a spec or a model, or `-` for standard input.

    Raises:
        UsageError: A path does not exist, or is a folder.
    """
    from cnnkit.analysis import analyze
    from cnnkit.analysis.result import Unreadable

    for source in sources:
        _checked(source)
    if isinstance(machine := settings.get("machine"), str):
        from cnnkit.analysis.machines import read_machine

        settings["machine"] = read_machine(machine)  # once for all
    found: list[Analysis | Unreadable] = []
    for source in _progress(sources):
        reading = _read(source, assignments)
        if reading.spec is None:
            found.append(Unreadable(source, reading.findings))
        else:
            found.append(analyze(reading.spec, **settings))
    return found


def open_analyses(
    sources: Sequence[str],
    results: Sequence[Analysis | Unreadable],
    assignments: Sequence[str],
    depth: int | None,
) -> list[OpenAnalysis]:
    """The formulas of the sources that cannot be read for the letters in their input.

    Raises:
        SpecError: Such a text has other faults, or fits no extents.
        UsageError: There are too many residues to try.
    """
    if all(each.ok for each in results):
        return []
    from cnnkit.analysis.extents import open_analysis, open_input
    from cnnkit.analysis.result import Unreadable
    from cnnkit.spec.text.source import read_file

    found = []
    for source, result in zip(sources, results, strict=True):
        if isinstance(result, Unreadable) and source != STDIN:
            node, _ = read_file(Path(source))
            if given := open_input(node, source, assignments):
                found.append(open_analysis(given, depth))
    return found


def reading_of(source: str, assignments: Sequence[str] = ()) -> Reading:
    """The spec of one source, and what is wrong with its text.

    Raises:
        UsageError: The path does not exist, or is a folder.
    """
    _checked(source)
    return _read(source, assignments)


def readable_spec(source: str, assignments: Sequence[str] = ()) -> Spec:
    """The spec of one source whose network can be computed.

    Raises:
        SpecError: It has faults.
        UsageError: There is no such file.
    """
    from cnnkit.analysis import analyze

    spec, findings = reading_of(source, assignments)
    if spec is not None:
        findings = analyze(spec).findings
    if spec is None or any(finding.level == "error" for finding in findings):
        raise SpecError(findings, source)
    return spec


def weights_for(source: str, weights: Path | None) -> Path | None:
    """The file of a spec's weights; None of a run, which has its own.

    Raises:
        UsageError: There is a run and a file of weights, or a spec and none.
    """
    if weights is not None and Path(source).is_dir():
        raise UsageError(f"{source} is a run, which has weights of its own: leave out --weights")
    if weights is None and (source == STDIN or Path(source).is_file()):
        raise UsageError(
            f"{source} is a spec, which has no weights: give them as --weights FILE.safetensors, "
            f"or a run in its place"
        )
    return weights


def trainable_spec(source: str, assignments: Sequence[str] = (), *, quiet: bool = False) -> Spec:
    """The spec of one source, in which `check` finds no error; its warnings are shown.

    Raises:
        SpecError: `check` finds errors.
        UsageError: There is no such file, or an assignment names no place in the spec.
    """
    from cnnkit.checking.admission import findings_of
    from cnnkit.presentation.output import put_lines
    from cnnkit.report.findings.finding import findings_lines

    reading = reading_of(source, assignments)
    findings = findings_of(reading)
    if reading.spec is None or any(finding.level == "error" for finding in findings):
        raise SpecError(findings, source)
    warnings = [finding for finding in findings if finding.level == "warning"]
    if warnings and not quiet:
        put_lines(lambda width: findings_lines(warnings, name=source, width=width), None)
    return reading.spec


def _checked(source: str) -> None:
    if source == STDIN:
        return
    path = Path(source)
    try:
        found, folder = path.exists(), path.is_dir()
    except OSError as error:
        raise UsageError(f"cannot read {shortened(source)}: {error.strerror}") from error
    if not source or not found:
        raise UsageError(f"there is no file {shortened(source) or 'without a name'}")
    if folder:
        raise UsageError(f"{source} is a folder: name the specs in it, such as {path / '*.yaml'}")


def _read(source: str, assignments: Sequence[str]) -> Reading:
    if is_model(source):
        from cnnkit.importing.source import read_model

        return read_model(Path(source), assignments)
    if source != STDIN:
        return read(Path(source), assignments)
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    try:
        return read_input(sys.stdin.buffer, assignments)
    except OSError as error:
        raise UsageError(f"cannot read standard input: {error.strerror}") from error


def _progress(sources: Sequence[str]) -> Iterable[str]:
    """The sources, with a bar on a terminal's stderr where there are many."""
    if len(sources) < _MANY or not sys.stderr.isatty():
        return sources
    return _bar(sources)


def _bar(sources: Sequence[str]) -> Iterator[str]:
    from rich.console import Console
    from rich.progress import track

    yield from track(
        sources, "analysing", console=Console(stderr=True), transient=True, disable=False
    )
