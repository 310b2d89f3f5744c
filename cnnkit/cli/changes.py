"""What has become of each spec below a path since a git revision: ``cnnkit diff main: specs``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.analysis import Analysis
from cnnkit.checking import Request, run
from cnnkit.checking.discovery import SUFFIXES
from cnnkit.cli.revision import changed_since, in_revision, root_of_repository
from cnnkit.report.comparison.changes import SpecChange

if TYPE_CHECKING:
    from cnnkit.report.analysis.options import Result
    from cnnkit.report.comparison.view import ComparisonView


def changes_since(
    revision: str,
    path: str,
    side: Callable[[str], Result],
    compared: Callable[[Result, Result], ComparisonView],
) -> Iterator[SpecChange]:
    """The specs below a path that have changed, by themselves or in what they extend.

    Args:
        revision: A revision of the repository that the current folder is in.
        path: A file, folder or pattern.
        side: Gives the analysis of a file, or of one in a revision, ``main:specs/a.yaml``.
        compared: Gives the comparison of two.

    Raises:
        UsageError: There is no such revision, or no such path.
    """
    root = root_of_repository()
    changed = changed_since(revision)
    for result in run(Request((path,), specs_only=True)):
        if not result.is_spec:
            continue
        file, *extended = (_inside(root, each) for each in (result.file, *result.extends))
        before = f"{revision}:{file}"
        if not in_revision(revision, file):
            yield SpecChange(result.file, "new", result=side(result.file))
        elif not changed.keys().isdisjoint((file, *extended)):
            view = compared(side(before), side(result.file))
            yield SpecChange(result.file, "changed", view)
    gone = sorted(name for name, letter in changed.items() if letter == "D")
    for file in filter(lambda name: name.lower().endswith(SUFFIXES), gone):
        shown = os.path.relpath(root / file)
        # What cannot be read was no spec, or cannot be told from none.
        if _below(shown, path) and isinstance(side(f"{revision}:{file}"), Analysis):
            yield SpecChange(shown, "removed")


def _inside(root: Path, file: str) -> str:
    """A path from the root of the repository on, as git writes it."""
    return Path(os.path.relpath(os.path.realpath(file), root)).as_posix()


def _below(file: str, path: str) -> bool:
    return Path(file).is_relative_to(os.path.normpath(path))
