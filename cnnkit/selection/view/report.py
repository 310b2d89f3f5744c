"""The page of a cross-validation or a search, made anew from the files in its directory."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.presentation.page import page as html_page
from cnnkit.presentation.page import text
from cnnkit.selection.folds.fold import CrossValidation
from cnnkit.selection.outer_fold import Nested
from cnnkit.selection.search.results import Results
from cnnkit.selection.statistics import mean_and_deviation
from cnnkit.selection.view.page import page as search_page
from cnnkit.selection.view.values import spread, value_of
from cnnkit.tasks.metric import ordered
from cnnkit.training.store.directory import CONFUSION, REPORT, SUMMARY, RunDirectory
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
        return _folds(run, _there(run, folds, SUMMARY))
    if (nested := run.read_record(_NESTED, partial(parse, Nested))) is not None:
        return _nested(run, nested)
    return search_page(_there(run, run.read_record(_RESULTS, Results.from_json), _RESULTS))


def _there(run: RunDirectory, found: T | None, name: str) -> T:
    if found is None:
        raise UsageError(
            f"{run.path} is a {run.kind} without {name}: nothing has come of it yet; the command "
            f"that began it goes on with it"
        )
    return found


def _folds(run: RunDirectory, found: CrossValidation) -> str:
    """The means over the folds, each fold, and the confusion of all predictions."""
    lead = f"{found.data} · {found.examples:,} examples in {len(found.folds)} folds"
    if found.random_labels:
        lead += " · labels dealt out at random"
    head = ("fold", "trained on", "judged on")
    rows = [
        (fold.number, (fold.trained, fold.figures.examples), fold.figures.metrics)
        for fold in found.folds
    ]
    return _page(run, f"Cross-validation: {found.name}", lead, found.sealed, head, rows)


def _nested(run: RunDirectory, found: Nested) -> str:
    """The means over the outer folds, and what the search chose in each."""
    lead = f"{found.data} · the search judged over {found.count} outer folds"
    head = ("fold", "trial", "epochs", "judged on")
    rows = [
        (fold.fold, (fold.trial, fold.epochs, fold.examples), fold.metrics) for fold in found.folds
    ]
    return _page(run, f"Nested search: {found.name}", lead, found.sealed, head, rows)


Row = tuple[int, tuple[int, ...], Mapping[str, float | None]]


def _page(
    run: RunDirectory,
    title: str,
    lead: str,
    sealed: int,
    head: Sequence[str],
    rows: Sequence[Row],
) -> str:
    spec = (run.path / SPEC).read_text("utf-8")
    lines = [
        "<section>",
        f'<header><h1>{text(title)}</h1><p class="flow">{text(lead)}</p></header>',
        *_means(rows),
        f"<p>The test split of {sealed:,} examples was not looked at.</p>" if sealed else "",
        *_table(head, rows),
        *_confusion(run.path / CONFUSION),
        "<details><summary><h2>Spec</h2></summary>",
        f'<pre class="text">{"&#10;".join(map(text, spec.splitlines()))}</pre></details>',
        "</section>",
    ]
    style = files("cnnkit.presentation").joinpath("run.css").read_text("utf-8")
    return html_page(title, filter(None, lines), style=style)


def _means(rows: Sequence[Row]) -> Iterator[str]:
    """A card for each metric: the mean and the deviation over the folds."""
    if not rows:
        return
    yield '<dl class="cards">'
    for metric in ordered(rows[0][2]):
        figures = [value for row in rows if (value := row[2].get(metric)) is not None]
        if figures:
            mean = spread(metric, *mean_and_deviation(figures))
            yield f'<div><dt>{text(metric)}</dt><dd class="value">{text(mean)}</dd></div>'
    yield "</dl>"


def _table(head: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    metrics = ordered(rows[0][2])
    names = "".join(f"<th>{text(name)}</th>" for name in (*head, *metrics))
    yield f'<h2>Folds</h2>\n<div class="table"><table>\n<thead><tr>{names}</tr></thead>\n<tbody>'
    for number, counts, figures in rows:
        cells = [str(number + 1), *(f"{count:,}" for count in counts)]
        cells += [value_of(metric, figures.get(metric)) for metric in metrics]
        yield "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


def _confusion(picture: Path) -> Iterator[str]:
    if not picture.is_file():
        return
    data = b64encode(picture.read_bytes()).decode("ascii")
    about = "Confusion matrix: a row for each true class, a column for each predicted one"
    yield "<h2>Confusion</h2>\n<p>Each example predicted by a network that never saw it.</p>"
    yield f'<figure class="picture plot square"><img alt="{about}" '
    yield f'src="data:image/png;base64,{data}"></figure>'
