"""The charts of a search's page."""

from __future__ import annotations

from typing import Final

from cnnkit.pages.chart import Chart, Series, Unit
from cnnkit.pages.parallel import ParallelChart, ParallelLine, Upright
from cnnkit.selection.objective import objective, score_of
from cnnkit.selection.search.results import Results
from cnnkit.selection.search.row import Row
from cnnkit.selection.search.space import shown

_MOST_AXES: Final = 12
_WEAKEST: Final = 0.1
_WIDE: Final = 20
"""From which ratio of the largest total to the smallest their logarithms are shown."""


def history(results: Results) -> Chart:
    """The value of each trial by the first objective, and the best so far."""
    name = results.settings.objectives[0]
    numbers = [row.number for row in results.complete]
    values = [row.values[name] for row in results.complete]
    best: list[float] = []
    for value in values:
        best.append(value if not best else max(best[-1], value, key=objective(name).rank))
    series = [
        Series("trials", numbers, values, None, "dots"),
        Series("best so far", numbers, best, 1, "step"),
    ]
    return Chart(name, "trial", series, unit=_unit(name))


def learning_curves(results: Results) -> Chart:
    """The validation of each trial over its epochs; the best stands out, pruned ones break off."""
    name = score_of(results.settings.objectives)
    best = results.best
    series = [
        _curve(row, name, f"trial {row.number}" if row is best else "", best)
        for row in sorted(results.rows, key=lambda row: row is best)
        if row.history
    ]
    log = not objective(name).percent
    return Chart(f"validation {name}", "epoch", series, unit=_unit(name), log=log)


def _curve(row: Row, name: str, title: str, best: Row | None) -> Series:
    """A metric of the validation of a trial's epochs; what is no number is a gap."""
    values = [(record.validation or {})[name] for record in row.history]
    epochs = list(range(1, len(values) + 1))
    return Series(title, epochs, values, 1 if row is best else None, ended=row.state == "pruned")


def pareto(results: Results, first: str, second: str) -> Chart:
    """Two objectives against each other; the front is joined."""
    front = sorted(results.front, key=lambda row: row.values[second])
    numbers = {row.number for row in front}
    others = [row for row in results.complete if row.number not in numbers]
    across, up = (
        [[row.values[name] for row in rows] for rows in (others, front)] for name in (second, first)
    )
    series = [
        Series("trials", across[0], up[0], None, "dots"),
        Series("", across[1], up[1], 1),
        Series("front", across[1], up[1], 1, "dots", notes=[str(row.number) for row in front]),
    ]
    values = [row.values[second] for row in results.complete]
    wide = min(values) > 0 and max(values) / min(values) > _WIDE
    return Chart(
        first,
        second,
        series,
        unit=_unit(first),
        across_unit=_unit(second),
        log_across=wide,
        whole=False,
    )


def parallel_coordinates(results: Results) -> ParallelChart:
    """A line a trial through what it chose, to what came of it; the better, the stronger."""
    name = results.settings.objectives[0]
    rows = sorted(results.complete, key=lambda row: objective(name).rank(row.values[name]))
    paths = [path for path in results.paths if any(path in row.chosen for row in rows)]
    axes = [
        Upright(path, [row.chosen.get(path) for row in rows], shown) for path in paths[:_MOST_AXES]
    ]
    axes.append(Upright(name, [row.values[name] for row in rows], objective(name).shown))
    last = max(1, len(rows) - 1)
    lines = [
        ParallelLine(
            f"trial {row.number}",
            {**row.chosen, name: row.values[name]},
            _WEAKEST + (1 - _WEAKEST) * place / last,
        )
        for place, row in enumerate(rows)
    ]
    return ParallelChart(axes, lines)


def _unit(name: str) -> Unit:
    return "percent" if objective(name).percent else "number"
