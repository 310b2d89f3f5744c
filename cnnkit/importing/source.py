"""A model in the place of a spec: what the analyser reads is the spec that an import writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cnnkit.errors import Finding, Location, SpecError
from cnnkit.importing.importing import Imported, example_of, import_model
from cnnkit.spec.reading import Reading, read_from_text


def read_model(path: Path, overrides: Sequence[str] = (), name: str | None = None) -> Reading:
    """The spec of a model, and what of it cannot be said. Lines are those of the spec.

    Args:
        path: The model's file.
        overrides: Values that are set in the spec: ``input=64x64x3``.
        name: What findings call the file, where that is not its path.

    Raises:
        MissingExtraError: The package that reads the format is not installed.
        UsageError: There is no such file, or an override names no place in the spec.
    """
    called = name or str(path)
    try:
        imported = _imported(path, overrides)
    except SpecError as error:
        return Reading(None, tuple(_placed(finding, called) for finding in error.findings))
    reading = read_from_text(imported.text, called, overrides)
    if reading.spec is None:
        return reading
    origin = reading.spec.origin._replace(file=called)
    return Reading(reading.spec.read_from(origin), reading.findings)


def _imported(path: Path, overrides: Sequence[str]) -> Imported:
    """The model as it is; one that leaves its input open as overrides say it is."""
    given = [each.removeprefix("input=") for each in overrides if each.startswith("input=")]
    try:
        return import_model(path)
    except SpecError:
        if not given:
            raise
        return import_model(path, example_of(given[-1], "--set input="))


def _placed(finding: Finding, name: str) -> Finding:
    return replace(finding, location=finding.location or Location(name, 1, 1, 1, 1))
