"""Whether a spec may be trained: `cnnkit check` has no error to find in it."""

from __future__ import annotations

from pathlib import Path

from cnnkit.checking.check import CheckTask, Read, judge, sources
from cnnkit.checking.configuration import Configurations
from cnnkit.checking.discovery import STDIN, Candidate
from cnnkit.errors import Finding, SpecError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import Reading


def findings_of(reading: Reading) -> tuple[Finding, ...]:
    """What `check` finds in a spec that was read, under the configuration nearest to its file."""
    configurations = Configurations()
    candidate = Candidate(STDIN)
    document = None
    if reading.spec is not None:
        file, _, document = reading.spec.origin
        if file is not None:
            candidate = Candidate(file, True, configurations.within(Path(file).parent))
        elif document is not None and document.source.name == CheckTask(candidate).name:
            candidate = Candidate(STDIN, True, configurations.within(Path()))
    found = Read(reading.spec, list(reading.findings), sources(document))
    return (*configurations.findings, *judge(CheckTask(candidate), found).result.findings)


def errors_of(spec: Spec) -> list[Finding]:
    """The findings of level error that `check` gives of a spec."""
    findings = findings_of(Reading(spec, spec.origin.findings))
    return [finding for finding in findings if finding.level == "error"]


def admitted(spec: Spec) -> Spec:
    """The spec, in which `check` finds no error.

    Raises:
        SpecError: It does.
    """
    if errors := errors_of(spec):
        raise SpecError(errors, spec.origin.file)
    return spec


def passing(spec: Spec) -> Spec:
    """The spec with those rules ignored that find an error in it.

    A run keeps its spec without the comments and the configuration that admitted it, and with a
    recipe that may be cut short: what was admitted once has to stay so.
    """
    overlooked = {finding.rule for finding in errors_of(spec)} - {*spec.rules.ignore}
    if not overlooked:
        return spec
    ignore = (*spec.rules.ignore, *sorted(overlooked))
    rules = spec.rules.model_copy(update={"ignore": ignore})
    return spec.model_copy(update={"rules": rules}).read_from(spec.origin)
