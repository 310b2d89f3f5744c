"""The door: a path, a text or plain data in; a ``Spec`` and its findings out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cnnkit.errors import Finding, SpecError, UsageError, in_order
from cnnkit.garbage import uncollected
from cnnkit.spec.language.document import read_document
from cnnkit.spec.language.extension import extended
from cnnkit.spec.language.override import override
from cnnkit.spec.model.spec import Origin, Spec
from cnnkit.spec.text.node import YamlNode
from cnnkit.spec.text.scalars import shortened
from cnnkit.spec.text.source import read_file, read_plain, read_stream, read_text

MODEL_SUFFIXES = (".onnx", ".keras", ".h5")
"""What files of other frameworks' models end with: they are no specs, and are imported."""

_A_TEXT = re.compile(r"\n|^\s*\{|:\s|:$")


class Reading(NamedTuple):
    """What came of reading: the spec, where there is enough of one, and what is wrong."""

    spec: Spec | None
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, spec: Spec | None, findings: Iterable[Finding]) -> Reading:
        """A reading that says why there is no spec, where there is none."""
        found = tuple(in_order(findings))
        if spec is None and not any(finding.level == "error" for finding in found):
            message = "there is no spec in it: it gives no `input`"
            advice = "start from `input: 32x32x3` and `layers:`"
            found = (*found, Finding("missing-field", "error", message, advice))
        return cls(spec, found)


def is_model(source: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a model of another framework."""
    return os.fspath(source).lower().endswith(MODEL_SUFFIXES)


def load(source: str | os.PathLike[str] | Mapping[str, object]) -> Spec:
    """The spec of a file, a YAML or JSON text, or plain data.

    A string with a line break or a `key: value` is a text, any other string a path.

    >>> load({"input": "28x28x1", "layers": ["flatten", {"dense": {"units": 10}}]}).input
    (28, 28, 1)

    Raises:
        SpecError: The spec has faults; its ``findings`` say which.
        UsageError: There is no such file.
    """
    reading = read(source)
    if reading.spec is None or any(finding.level == "error" for finding in reading.findings):
        raise SpecError(reading.findings)
    return reading.spec


@uncollected
def read(
    source: str | os.PathLike[str] | Mapping[str, object], overrides: Sequence[str] = ()
) -> Reading:
    """The spec of a source with overrides `PATH=VALUE` put in, and the faults of its text.

    Raises:
        UsageError: There is no such file, or an override names no place in the spec.
    """
    if isinstance(source, Mapping):
        return finish(*read_plain(dict(source)), overrides=overrides)
    if isinstance(source, str) and (not source or _A_TEXT.search(source)):
        return read_from_text(source, "<text>", overrides)
    path = Path(source)
    try:
        missing = not path.exists() and not path.is_symlink()
    except OSError as error:
        raise UsageError(f"cannot read {shortened(str(path))}: {error.strerror}") from error
    if missing:
        raise UsageError(f"there is no file {shortened(str(path))}")
    node, findings = read_file(path)
    return finish(node, findings, overrides, path)


@uncollected
def read_input(stream: BinaryIO, overrides: Sequence[str] = ()) -> Reading:
    """The spec of standard input; what it extends is looked for in the current folder."""
    return finish(*read_stream(stream, "<stdin>"), overrides=overrides)


def read_from_text(text: str, name: str, overrides: Sequence[str] = ()) -> Reading:
    """The spec of a text; ``name`` stands before line numbers."""
    return finish(*read_text(text, name), overrides=overrides)


def finish(
    node: YamlNode | None,
    findings: Sequence[Finding],
    overrides: Sequence[str] = (),
    path: str | Path | None = None,
) -> Reading:
    """From the top node to the spec: `extends:`, overrides, then the document."""
    if node is None:
        return Reading.of(None, findings)
    node, more = extended(node, path)
    for assignment in overrides:
        node = override(node, assignment)
    whole = not any(finding.level == "error" for finding in more)
    spec, faults = read_document(node, whole=whole)
    # A scalar that cannot be read stands in the tree as its text, which no field takes.
    unread = {finding.location for finding in findings} - {None}
    faults = [fault for fault in faults if fault.location not in unread]
    reading = Reading.of(spec, [*findings, *more, *faults])
    if spec is not None:
        file = None if path is None else str(path)
        spec.read_from(Origin(file, reading.findings, node))
    return reading
