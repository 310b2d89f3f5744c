"""The front of a search as a picture file, drawn by Matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from cnnkit.presentation.plot import GREY, STYLE, VERMILION
from cnnkit.selection.objective import objective
from cnnkit.selection.search.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEST: Final = VERMILION
OTHERS: Final = GREY


def png(figure: Figure) -> bytes:
    """A figure as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=160, metadata={"Software": None})
    return data.getvalue()


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def pareto(results: Results, first: str, second: str) -> Figure:
    """Two objectives against each other; the front is joined."""
    figure, axes = _figure(7.2, 4.2)
    front = {row.number for row in results.front}
    others = [row for row in results.complete if row.number not in front]
    axes.scatter(
        [row.values[second] for row in others],
        [row.values[first] for row in others],
        s=22,
        color=OTHERS,
        label="trials",
    )
    best = sorted(results.front, key=lambda row: row.values[second])
    axes.plot(
        [row.values[second] for row in best],
        [row.values[first] for row in best],
        "o-",
        color=BEST,
        markersize=5,
        linewidth=1.2,
        label="front",
    )
    for row in best:
        axes.annotate(
            str(row.number),
            (row.values[second], row.values[first]),
            xytext=(4, -11),
            textcoords="offset points",
            fontsize=8,
        )
    _value_axis(axes, first)
    axes.set_xlabel(second)
    values = [row.values[second] for row in results.complete]
    if values and min(values) > 0 and max(values) / min(values) > 20:
        axes.set_xscale("log")
    axes.legend(frameon=False, loc="best")
    return figure


def _value_axis(axes: Axes, name: str, before: str = "") -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set_ylabel(f"{before}{name}")
    if objective(name).percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
