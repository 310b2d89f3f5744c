"""What is known already: the findings of an earlier report, which a check then leaves out.

The baseline is a report of ``--format json``. A finding is known by its file, rule, layer and
message, not by its line, so that lines above it may come and go; and as often as it was there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from cnnkit.checking.check import CheckResult
from cnnkit.errors import Finding, UsageError

Key: TypeAlias = tuple[str, str, str | None, str]


def read_baseline(path: Path) -> Counter[Key]:
    """The findings of a report, and how often each is there.

    Raises:
        UsageError: There is no such file, or it is no report of a check.
    """
    try:
        document = json.loads(path.read_bytes())
        return Counter(
            _key(str(file["file"]), finding)
            for file in document["files"]
            for finding in file["findings"]
        )
    except OSError as error:
        raise UsageError(
            f"--baseline {path}: {error.strerror or error}; write it by "
            f"`cnnkit check … --format json --output {path}`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"--baseline {path} is no report of `cnnkit check --format json`"
        ) from error


def without_known(results: Sequence[CheckResult], known: Mapping[Key, int]) -> list[CheckResult]:
    """The results without the findings that are known."""
    left = Counter(known)

    def new(result: CheckResult, finding: Finding) -> bool:
        key = _key(result.file, finding.to_dict())
        left[key] -= 1
        return left[key] < 0

    return [
        result.showing(each for each in result.findings if new(result, each)) for result in results
    ]


def _key(file: str, finding: Mapping[str, Any]) -> Key:
    return file, finding["rule"], finding["path"], finding["message"]
