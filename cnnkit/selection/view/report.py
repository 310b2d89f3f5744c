"""The page of a cross-validation or a search, made anew from the files in its directory."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.pages import page as pages
from cnnkit.selection.folds.fold import CrossValidation
from cnnkit.selection.outer_fold import Nested
from cnnkit.selection.search.results import Results
from cnnkit.selection.view.averages import FoldFigures, cross_validation, nested_search
from cnnkit.selection.view.page import page as search_page
from cnnkit.training.store.directory import REPORT, SUMMARY, RunDirectory
from cnnkit.training.store.files import write_atomic
from cnnkit.training.store.kinds import SPEC
from cnnkit.training.store.record import parse

_RESULTS: Final = "results.json"
_NESTED: Final = "nested.json"
T = TypeVar("T")


def write_page(run: RunDirectory, output: StrPath | None = None) -> Path:
    """Writes the page of its kind, by default to ``report.html`` in the directory; returns where.

    Raises:
        UsageError: Nothing has come of it yet.
        TrainingError: What it wrote is damaged.
    """
    path = Path(output or run.path / REPORT)
    write_atomic(path, page(run))
    return path


def page(run: RunDirectory) -> str:
    """The page of a cross-validation, a nested one, or a search."""
    if run.kind == "cross-validation":
        folds = run.read_record(SUMMARY, CrossValidation.from_json)
        return _averaged(run, cross_validation(_there(run, folds, SUMMARY)))
    if (nested := run.read_record(_NESTED, partial(parse, Nested))) is not None:
        return _averaged(run, nested_search(nested))
    return search_page(_there(run, run.read_record(_RESULTS, Results.from_json), _RESULTS))


def _there(run: RunDirectory, found: T | None, name: str) -> T:
    if found is None:
        raise UsageError(
            f"{run.path} is a {run.kind} without {name}: nothing has come of it yet; the command "
            f"that began it goes on with it"
        )
    return found


def _averaged(run: RunDirectory, found: FoldFigures) -> str:
    """The page of what was judged fold by fold."""
    return pages.write("folds", **vars(found), spec=(run.path / SPEC).read_text("utf-8"))
