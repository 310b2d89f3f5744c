"""Findings as SARIF 2.1.0, which GitHub's code scanning and many editors read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnkit import __version__
from cnnkit.presentation.numbers import printable
from cnnkit.report.findings.places import ReportedFinding, entries, relative, root, uri
from cnnkit.rules import LEVELS, rule

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult
    from cnnkit.errors import Location

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_ROOT = "%SRCROOT%"


def render(results: Sequence[CheckResult]) -> str:
    """A log of one run."""
    found = list(entries(results))
    named = dict.fromkeys([*LEVELS, *(entry.finding.rule for entry in found)])
    index = {name: number for number, name in enumerate(named)}
    base = root()
    run = {
        "tool": {
            "driver": {
                "name": "cnnkit",
                "version": __version__,
                "rules": [_rule(name) for name in named],
            }
        },
        "originalUriBaseIds": {_ROOT: {"uri": f"{uri(base.as_posix()).rstrip('/')}/"}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(entry, index, base) for entry in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    """What the report says of a rule; of one without a page only its name."""
    if name not in LEVELS:
        return {"id": name}
    page = rule(name).page
    paragraphs = page.split("\n\n")
    told = [text for text in paragraphs[1:] if not text.startswith("#")]
    return {
        "id": name,
        "shortDescription": {"text": rule(name).summary},
        "fullDescription": {"text": " ".join((told or paragraphs)[0].split())},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": _LEVELS[LEVELS[name]], "enabled": rule(name).default},
    }


def _result(entry: ReportedFinding, index: dict[str, int], base: Path) -> dict[str, Any]:
    finding = entry.finding
    lines = [printable(finding.message)]
    if finding.help:
        lines.append(f"help: {printable(finding.help)}")
    location: dict[str, Any] = {
        "physicalLocation": _physical(entry.file, finding.location, base),
    }
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.level],
        "message": {"text": "\n".join(lines)},
        "locations": [location],
        "partialFingerprints": {"cnnkit/v1": entry.fingerprint},
    }
    if finding.used_at:
        result["relatedLocations"] = [
            {
                "id": number,
                "message": {"text": "used here"},
                "physicalLocation": _physical(where.file, where, base),
            }
            for number, where in enumerate(finding.used_at)
        ]
    return result


def _physical(file: str, where: Location | None, base: Path) -> dict[str, Any]:
    path = relative(file, base)
    artifact = {"uri": uri(path)}
    if not path.startswith("/"):
        artifact["uriBaseId"] = _ROOT
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if where is not None:
        physical["region"] = {
            "startLine": where.line,
            "startColumn": where.column,
            "endLine": where.end_line,
            "endColumn": where.end_column,
        }
    return physical
