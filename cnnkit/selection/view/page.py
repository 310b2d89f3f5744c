"""The report of a search: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

from cnnkit.presentation.page import page as html_page
from cnnkit.presentation.page import text
from cnnkit.selection.search.results import Results, TrialLook, command
from cnnkit.selection.search.row import Row
from cnnkit.selection.search.space import shown
from cnnkit.selection.view import pictures
from cnnkit.selection.view.values import value_of

_STYLE: Final = """\
p { margin: 4px 0 12px; }
svg { max-width: 100%; height: auto; padding: 12px; border-radius: 10px; background: #ffffff; }
td { vertical-align: top; }
th:nth-child(2), td.state { min-width: 13rem; white-space: normal; text-align: left; }
tr.rejected td, tr.interrupted td { color: var(--quiet); }
.notice { padding: 10px 16px; border-radius: 10px; }
.notice { background: var(--warning-soft); color: var(--warning); }
"""
_MOST_ROWS: Final = 500


def page(results: Results) -> str:
    """The page of what a study has found."""
    style = files("cnnkit.presentation").joinpath("run.css").read_text("utf-8")
    body = ["<section>", *_body(results), "</section>"]
    return html_page(f"Search: {results.name}", body, style=style + _STYLE)


def _body(results: Results) -> Iterator[str]:
    yield f"<header><h1>Search: {_text(results.name)}</h1>"
    yield f'<p class="flow">{_text(counted(results))}</p></header>'
    for look in results.looks:
        yield _look(look)
    if results.best is None:
        yield "<p>No trial has been trained to its end yet.</p>"
    else:
        yield from _best(results.best, results.settings.folds)
        yield from _pictures(results)
    yield "<h2>Trials</h2>"
    yield _table(results)


def counted(results: Results) -> str:
    """How many trials there are, and what became of them."""
    words = [
        f"{count} {state}"
        for state in ("complete", "pruned", "failed", "rejected", "interrupted", "running")
        if (count := results.count(state))
    ]
    method = results.settings.method
    return f"{results.data}, {method}: {', '.join(words) or 'no trials yet'}."


def _best(best: Row, folds: int | None) -> Iterator[str]:
    figures = ", ".join(f"{name} {value_of(name, value)}" for name, value in best.values.items())
    yield f"<h2>The best: trial {best.number}</h2>"
    judged = f"The mean over {folds} folds" if folds else "On the validation split"
    yield (
        f"<p>{judged}: {_text(figures)}, at epoch {best.best_epoch}. "
        "These figures chose it, so they flatter it; the test split alone does not.</p>"
    )
    yield f"<p>The same by hand: <code>{_text(command(best))}</code></p>"


def _pictures(results: Results) -> Iterator[str]:
    objectives = results.settings.objectives
    if len(objectives) > 1:
        yield "<h2>Pareto front</h2>"
        yield "<p>No other trial is at least as good in all objectives and better in one.</p>"
        for second in objectives[1:]:
            yield pictures.svg(pictures.pareto(results, objectives[0], second))
        yield _table(results, results.front)
    if results.importance:
        yield "<h2>Importance</h2>"
        yield (
            f"<p>The part of the differences in {objectives[0]} that each choice explains "
            "(fANOVA over the complete trials).</p>"
        )
        yield pictures.svg(pictures.importance(results.importance))
    yield "<h2>History</h2>"
    yield pictures.svg(pictures.history(results))
    yield "<h2>Parallel coordinates</h2>"
    yield "<p>A line a trial: what it chose, and what came of it. The darker, the better.</p>"
    yield pictures.svg(pictures.parallel_coordinates(results))
    yield "<h2>Learning curves</h2>"
    yield "<p>The validation of each trial; a cross ends those that were pruned.</p>"
    yield pictures.svg(pictures.learning_curves(results))


def _look(look: TrialLook) -> str:
    return f'<p class="{"notice" if look.number > 1 else "look"}">{_text(look_text(look))}</p>'


def look_text(look: TrialLook) -> str:
    """A look at the test split in words; of a second one they say what it is worth."""
    figures = ", ".join(f"{name} {value_of(name, value)}" for name, value in look.figures.items())
    trial = f" of trial {look.trial}" if look.trial is not None else ""
    seen = figures or "begun, and not yet at its end"
    if look.number == 1:
        return f"Test split, read once, at the end{trial}: {seen} ({look.when})."
    return (
        f"Test split, look number {look.number}{trial}: {seen} ({look.when}). It was chosen with "
        "knowledge of the looks before, so this is no longer the accuracy on unseen data."
    )


def _table(results: Results, rows: Sequence[Row] | None = None) -> str:
    objectives = results.settings.objectives
    best = results.best
    given = results.rows if rows is None else rows
    head = [_head(cell) for cell in ("trial", "state", *objectives, "epoch")]
    head += [_head(path.rpartition(".")[2], path) for path in results.paths]
    lines = [f"<tr>{''.join(head)}{_head('seconds')}</tr>"]
    for row in given[:_MOST_ROWS]:
        kind = "best" if best is not None and row.number == best.number else row.state
        state = row.state if row.reason is None else f"{row.state}: {row.reason}"
        cells = [_cell(row.number), f'<td class="state">{_text(state)}</td>']
        cells += [
            _cell(value_of(name, row.values[name]), number=True)
            if name in row.values
            else _cell("")
            for name in objectives
        ]
        cells.append(_cell(_epochs(row), number=True))
        cells += [
            _cell(shown(row.chosen[path]) if path in row.chosen else "", number=True)
            for path in results.paths
        ]
        cells.append(_cell("" if row.seconds is None else f"{row.seconds:.1f}", number=True))
        lines.append(f'<tr class="{kind}">{"".join(cells)}</tr>')
    more = len(given) - _MOST_ROWS
    note = f"<p>… and {more:,} more; <code>results.json</code> has all.</p>" if more > 0 else ""
    return f'<div class="table"><table>{"".join(lines)}</table></div>{note}'


def _head(name: str, whole: str = "") -> str:
    """A heading; what it stands for as a whole shows where a pointer rests on it."""
    title = f' title="{_text(whole)}"' if whole else ""
    return f"<th{title}>{_text(name)}</th>"


def _epochs(row: Row) -> str:
    """The best epoch, of how many."""
    if not row.history:
        return ""
    return f"{row.best_epoch} of {len(row.history)}"


def _cell(value: object, *, number: bool = False) -> str:
    kind = ' class="number"' if number or isinstance(value, int) else ""
    return f"<td{kind}>{_text(value)}</td>"


def _text(value: Any) -> str:
    return text(str(value))
