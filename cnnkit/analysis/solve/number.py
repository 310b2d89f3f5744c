"""The number that a spec has at a path, and the analysis with another one put there."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cnnkit.analysis.analyze import analyze
from cnnkit.analysis.precision import Precision
from cnnkit.analysis.result import Analysis
from cnnkit.errors import Finding, UsageError, did_you_mean
from cnnkit.spec.language.layer import BESIDE
from cnnkit.spec.model.spec import SECTIONS, Spec
from cnnkit.spec.reading import finish
from cnnkit.spec.text.node import YamlNode

INPUT, BATCH = "input", "batch"
"""The words that name no field of the spec."""


def document_of(spec: Spec, path: str) -> YamlNode:
    """The text that a spec was read from, of which a value at a path is varied.

    Raises:
        UsageError: It was built in Python, or the path begins with no section.
    """
    if "=" in path:
        raise UsageError(
            f"--vary {path}: write the path alone; `--between A..B` says what is tried"
        )
    if path.strip().partition(".")[0] not in SECTIONS:
        near = did_you_mean(path, (INPUT, BATCH, *SECTIONS))
        advice = f"did you mean `{near}`?" if near else "write `input`, `batch`, or a path of it"
        raise UsageError(f"--vary {path}: the spec has no `{path}`; {advice}")
    document = spec.origin.document
    if document is None:
        raise UsageError("a spec that was built in Python has no text to put a value into")
    return document


def number_at(document: YamlNode, path: str) -> Decimal | None:
    """The number at a path as `--set` takes it; None where it is left out or an expression.

    A path that leads nowhere gives None, too: putting a value there says what is wrong.

    Raises:
        UsageError: What is there is no number.
    """
    node = document
    for part in path.strip().split("."):
        inner = _below(node, part)
        if inner is None:
            return None
        node = inner
    value = node.value
    if value is None or isinstance(value, str):
        return None
    if isinstance(value, bool):
        raise UsageError(f"--vary {path}: this is {str(value).lower()}; name a number")
    if isinstance(value, dict):
        raise UsageError(f"--vary {path}: this is a mapping; name one number in it")
    if isinstance(value, list):
        raise UsageError(f"--vary {path}: this is a list; name one number, such as {path}.0")
    return Decimal(str(value))


def analysis_with(
    document: YamlNode,
    path: str,
    value: Decimal,
    *,
    batch: int,
    precision: Precision,
    optimizer: str,
) -> Analysis | Finding:
    """The analysis with a value put at a path; where that has an error, the first one.

    Raises:
        UsageError: The path leads nowhere.
    """
    assignment = f"{path}={value.normalize():f}"
    try:
        reading = finish(document, (), [assignment])
    except UsageError as error:
        reason = str(error).removeprefix(f"--set {assignment}")
        raise UsageError(f"--vary {path}{reason}") from None
    if reading.spec is None:
        return first_error(reading.findings) or reading.findings[0]
    analysis = analyze(reading.spec, batch=batch, precision=precision, optimizer=optimizer)
    return first_error(analysis.findings) or analysis


def first_error(findings: Iterable[Finding]) -> Finding | None:
    """The first finding that is an error."""
    return next((finding for finding in findings if finding.level == "error"), None)


def _below(node: YamlNode, part: str) -> YamlNode | None:
    value = node.value
    if isinstance(value, list):
        for item in value:
            name = item.value.get("name") if isinstance(item.value, dict) else None
            if name is not None and str(name.value) == part:
                return item
        return value[int(part)] if part.isdecimal() and int(part) < len(value) else None
    if not isinstance(value, dict):
        return None
    if part in value:
        return value[part]
    kinds = [key for key in value if key not in BESIDE]  # a layer's kind may be left out
    inner = value[kinds[0]].value if len(kinds) == 1 else None
    return inner.get(part) if isinstance(inner, dict) else None
