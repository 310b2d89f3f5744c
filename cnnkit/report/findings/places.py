"""Where findings are, as tools of continuous integration want to be told, and their identity."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from cnnkit.checking import CheckResult
    from cnnkit.errors import Finding

# Where GitHub and GitLab have checked out the repository, which their paths are relative to.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


class ReportedFinding(NamedTuple):
    """A finding with what a report of many files says of it.

    Attributes:
        finding: What is wrong.
        file: The file it is in: where it has no place, the one that was checked.
        fingerprint: Its identity, which stays when lines are added above it.
    """

    finding: Finding
    file: str
    fingerprint: str


def entries(results: Sequence[CheckResult]) -> Iterator[ReportedFinding]:
    """All findings in their order, each with a fingerprint that no other has."""
    seen: Counter[tuple[str, ...]] = Counter()
    base = root()
    for result in results:
        for finding in result.findings:
            where = finding.location
            file = where.file if where else result.file
            text = where.text.strip() if where else finding.message
            identity = (relative(file, base), finding.rule, text)
            seen[identity] += 1
            key = "\0".join((*identity, str(seen[identity])))
            digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
            yield ReportedFinding(finding, file, digest)


def root(environment: Mapping[str, str] = os.environ) -> Path:
    """The checked-out repository in a pipeline, else the current folder."""
    here = Path.cwd()
    for name in _ROOTS:
        folder = Path(environment.get(name) or "/nowhere")
        if here.is_relative_to(folder):
            return folder
    return here


def relative(file: str, base: Path) -> str:
    """The file's path from a folder on with forward slashes; absolute where it is outside."""
    if file.startswith("<"):  # standard input
        return file
    path = Path(os.path.abspath(file))  # noqa: PTH100 - `resolve` would follow links
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def uri(path: str) -> str:
    """A path as a URI, or as a reference relative to one.

    >>> uri("a b/ä:c.yaml")
    'a%20b/%C3%A4%3Ac.yaml'
    """
    return ("file://" if path.startswith("/") else "") + quote(os.fsencode(path))
