"""The pictures of a search and of a cross-validation, as SVG or PNG; drawn by Matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from cnnkit.presentation.plot import BLUE, GREY, STYLE_IN_PAGES, VERMILION
from cnnkit.selection.objective import objective, score_of
from cnnkit.selection.search.results import Results
from cnnkit.selection.search.row import Row
from cnnkit.selection.search.space import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEST: Final = VERMILION
FRONT: Final = BLUE
OTHERS: Final = GREY
_MOST_AXES: Final = 12


def svg(figure: Figure) -> str:
    """A figure as an SVG element, without the preamble of a file."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context(STYLE_IN_PAGES):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    whole = text.getvalue()
    return whole[whole.index("<svg") :]


def png(figure: Figure) -> bytes:
    """A figure as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=160, metadata={"Software": None})
    return data.getvalue()


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE_IN_PAGES):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def history(results: Results) -> Figure:
    """The value of each trial by the first objective, and the best so far."""
    name = results.settings.objectives[0]
    figure, axes = _figure(7.2, 3.4)
    rows = results.complete
    axes.scatter(
        [row.number for row in rows],
        [row.values[name] for row in rows],
        s=22,
        color=OTHERS,
        label="trials",
    )
    best: list[float] = []
    for row in rows:
        value = row.values[name]
        best.append(value if not best else max(best[-1], value, key=objective(name).rank))
    axes.step([row.number for row in rows], best, where="post", color=BEST, label="best so far")
    axes.set_xlabel("trial")
    _value_axis(axes, name)
    axes.legend(frameon=False, loc="best")
    return figure


def _curve(row: Row, name: str) -> list[float]:
    """A metric of the validation of a trial's epochs; what is no number is a gap."""
    found = [(record.validation or {})[name] for record in row.history]
    return [math.nan if value is None else value for value in found]


def learning_curves(results: Results) -> Figure:
    """The validation of each trial over its epochs; the best stands out, pruned ones break off."""
    from matplotlib.ticker import MaxNLocator

    name = score_of(results.settings.objectives)
    figure, axes = _figure(7.2, 3.8)
    best = results.best
    for row in results.rows:
        curve = _curve(row, name)
        if not curve or row is best:
            continue
        epochs = range(1, len(curve) + 1)
        axes.plot(epochs, curve, color=OTHERS, linewidth=0.9, alpha=0.8)
        if row.state == "pruned":
            axes.plot(len(curve), curve[-1], "x", color=OTHERS, markersize=4)
    if best is not None:
        curve = _curve(best, name)
        axes.plot(
            range(1, len(curve) + 1), curve, color=BEST, linewidth=2, label=f"trial {best.number}"
        )
        axes.legend(frameon=False, loc="best")
    axes.set_xlabel("epoch")
    _value_axis(axes, name, "validation ")
    if not objective(name).percent:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def importance(shares: Mapping[str, float]) -> Figure:
    """How much of the differences between trials each path explains."""
    ordered = sorted(shares.items(), key=lambda item: item[1])
    figure, axes = _figure(7.2, 0.8 + 0.36 * len(ordered))
    bars = axes.barh([path for path, _ in ordered], [share for _, share in ordered], color=FRONT)
    axes.bar_label(bars, [f"{100 * share:.0f} %" for _, share in ordered], padding=4)
    axes.set_xlim(0, 1.1 * max(shares.values(), default=1))
    axes.xaxis.set_visible(False)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return figure


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


def parallel_coordinates(results: Results) -> Figure:
    """A line a trial through what it chose, to what came of it; the better, the warmer."""
    import numpy as np
    from matplotlib import colormaps

    name = results.settings.objectives[0]
    paths = [path for path in results.paths if any(path in row.chosen for row in results.complete)]
    paths = paths[:_MOST_AXES]
    figure, axes = _figure(max(5.5, 1.7 * (len(paths) + 1)), 4.2)
    rows = sorted(results.complete, key=lambda row: objective(name).rank(row.values[name]))
    scales = [_Scale(path, [row.chosen.get(path) for row in rows]) for path in paths]
    scales.append(_Scale(name, [row.values[name] for row in rows]))
    colours = colormaps["YlOrRd"](np.linspace(0.25, 0.95, max(1, len(rows))))
    for rank, row in enumerate(rows):
        places = [
            scale.place(row.chosen[path]) if path in row.chosen else None
            for path, scale in zip(paths, scales, strict=False)
        ]
        places.append(scales[-1].place(row.values[name]))
        x = [i for i, place in enumerate(places) if place is not None]
        y = [place for place in places if place is not None]
        axes.plot(x, y, color=colours[rank], linewidth=1.3, alpha=0.9)
    for index, scale in enumerate(scales):
        axes.axvline(index, color=OTHERS, linewidth=0.8)
        for place, text in scale.ticks():
            axes.annotate(
                text,
                (index, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
            )
    axes.set_xticks(range(len(scales)), [_broken(scale.name) for scale in scales], fontsize=8)
    axes.set_yticks([])
    axes.set_xlim(-0.15, len(scales) - 1 + 0.5)
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure


class _Scale:
    """Where values stand on an axis, from 0 to 1."""

    def __init__(self, name: str, values: Sequence[Any]) -> None:
        self.name = name
        given = [value for value in values if value is not None]
        self.numbers = all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in given
        )
        if not self.numbers or not given:
            self.words = list(dict.fromkeys(shown(value) for value in sorted(given, key=shown)))
            return
        self.low, self.high = min(given), max(given)
        self.log = self.low > 0 and self.high / self.low > 20

    def place(self, value: Any) -> float:
        """The place of a value."""
        if not self.numbers:
            return self.words.index(shown(value)) / max(1, len(self.words) - 1)
        if self.high == self.low:
            return 0.5
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return float((value - self.low) / (self.high - self.low))

    def ticks(self) -> list[tuple[float, str]]:
        """What is written beside the axis."""
        if not self.numbers:
            return [
                (place / max(1, len(self.words) - 1), word[:14])
                for place, word in enumerate(self.words)
            ]
        if self.high == self.low:
            return [(0.5, shown(self.low))]
        count = 4
        if self.log:
            ratio = self.high / self.low
            values = [self.low * ratio ** (n / count) for n in range(count + 1)]
        else:
            values = [self.low + (self.high - self.low) * n / count for n in range(count + 1)]
        return [(n / count, f"{value:.3g}") for n, value in enumerate(values)]


def _broken(path: str) -> str:
    """A path on lines of its own, so that it fits below its axis."""
    return path.replace(".", ".\n")


def _value_axis(axes: Axes, name: str, before: str = "") -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set_ylabel(f"{before}{name}")
    if objective(name).percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
