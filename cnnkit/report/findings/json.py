"""The results of a check as JSON: the same keys in every run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult

FORMAT = 1
"""The version of this JSON."""


def render(results: Sequence[CheckResult]) -> str:
    """One object: the numbers, then each file with its findings."""
    levels = Counter(finding.level for result in results for finding in result.findings)
    document = {
        "format": FORMAT,
        "checked": sum(result.is_spec for result in results),
        "errors": levels["error"],
        "warnings": levels["warning"],
        "notes": levels["info"],
        "files": [
            {
                "file": result.file,
                "ok": result.ok,
                "findings": [finding.to_dict() for finding in result.findings],
            }
            for result in results
        ],
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    # A file's name may hold half a surrogate pair, which no encoding takes but JSON's own escape.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"
