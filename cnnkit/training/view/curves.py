"""The pictures of a run: its curves over the epochs, and its confusion matrix.

Drawn by Matplotlib without a display, at 300 dots an inch, in colours that the colour-blind can
tell apart (Okabe and Ito, 2008); lines differ in their marks too, for a print in grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cnnkit.presentation.numbers import percent
from cnnkit.presentation.plot import BLUE, GREEN, STYLE, VERMILION
from cnnkit.tasks.metric import followed, metric_of
from cnnkit.training.store.epoch import Metrics, RunEpoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_TRAIN: Final = BLUE
_VALIDATION: Final = VERMILION
_BEST: Final = "#595959"
_RATE: Final = GREEN
_DOTS_PER_INCH: Final = 300
_MOST_NUMBERED: Final = 20
_MOST_NAMED: Final = 40
_MARKED: Final = 30


def save_curves(
    path: Path,
    history: Sequence[RunEpoch],
    *,
    best: int | None = None,
    monitor: str | None = None,
    title: str = "",
) -> None:
    """Draws loss, accuracy and learning rate over the epochs to a PNG or SVG file.

    Args:
        path: The file; its ending is the format.
        history: The epochs.
        best: The epoch whose weights are kept, which is marked.
        monitor: The metric that it was chosen by.
        title: What stands above, such as the network's name.
    """
    with drawn(path) as figure:
        draw_curves(figure, history, best=best, monitor=monitor, title=title)


def save_confusion(
    path: Path, confusion: NDArray[Any], classes: Sequence[str], *, title: str = ""
) -> None:
    """Draws a confusion matrix to a PNG or SVG file.

    Args:
        path: The file; its ending is the format.
        confusion: Integers ``[K, K]``, row the true class, column the predicted one.
        classes: The names of the K classes.
        title: What stands above.
    """
    with drawn(path) as figure:
        draw_confusion(figure, confusion, classes, title=title)


@contextmanager
def drawn(path: Path) -> Iterator[Figure]:
    """A figure that is written when it has been drawn; to a whole file or not at all.

    Args:
        path: The file; its ending is the format.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        part = path.with_name(f"{path.name}.part")
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(
            part,
            format=path.suffix.removeprefix("."),
            dpi=_DOTS_PER_INCH,
            bbox_inches="tight",  # a square picture in a layout loses its outer label otherwise
            pad_inches=0.05,
            metadata=metadata,
        )
        part.replace(path)


def draw_curves(
    figure: Figure,
    history: Sequence[RunEpoch],
    *,
    best: int | None,
    monitor: str | None = None,
    title: str,
) -> None:
    """The panels of a run side by side: loss, accuracy where there are classes, learning rate."""
    measured = {
        name for record in history for name, value in record.train.items() if value is not None
    }
    metrics = followed({"loss", *measured}, monitor)
    figure.set_size_inches(2.5 * (len(metrics) + 1), 2.4)
    panels = figure.subplots(1, len(metrics) + 1, squeeze=False)[0]
    epochs = [record.epoch for record in history]
    for axes, metric in zip(panels, metrics, strict=False):
        _metric(axes, epochs, history, metric, best)
    rates = panels[-1]
    marker = "o" if len(epochs) == 1 else ""
    values = [record.learning_rate for record in history]
    rates.plot(epochs, values, color=_RATE, marker=marker)
    rates.set_title("learning rate")
    rates.set_ylim(bottom=0)
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        if len(epochs) == 1:
            axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
    if title:
        figure.suptitle(title, fontsize=10)


def _metric(
    axes: Axes,
    epochs: Sequence[int],
    history: Sequence[RunEpoch],
    metric: str,
    best: int | None,
) -> None:
    known, mark = metric_of(metric), len(epochs) <= _MARKED
    splits = (
        ("training", [record.train for record in history], _TRAIN, "o"),
        ("validation", [record.validation for record in history], _VALIDATION, "s"),
    )
    for label, figures, color, marker in splits:
        values = [_value(each, metric) for each in figures]
        if any(value is not None for value in values):
            points = [np.nan if value is None else value for value in values]
            axes.plot(epochs, points, color=color, marker=marker if mark else "", label=label)
    axes.set_title(known.title)
    if known.percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    else:
        axes.set_ylim(bottom=0)
    if best is not None and best in epochs:
        axes.axvline(best, color=_BEST, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        value = _value(history[epochs.index(best)].validation, metric)
        if value is not None:
            axes.plot([], [], " ", label=f"best, epoch {best}: {known.shown(value)}")
    axes.legend(loc="lower right" if known.rises else "upper right", fontsize=6.5)


def _value(figures: Metrics | None, metric: str) -> float | None:
    return figures.get(metric) if figures else None


def draw_confusion(
    figure: Figure, confusion: NDArray[Any], classes: Sequence[str], *, title: str
) -> None:
    """Each row as parts of its true class, so that rare classes are seen as well as frequent ones.

    Up to 20 classes each cell has its count. Colours are of the part, in steps that the right
    answers do not wash out: the scale is of the square root.
    """
    counts = np.asarray(confusion).astype(np.int64)
    number = len(counts)
    rows = counts.sum(axis=1, keepdims=True)
    parts = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    side = float(np.clip(1.6 + 0.42 * number, 2.8, 7.5))
    figure.set_size_inches(side + 0.9, side)
    axes = figure.subplots()
    axes.grid(visible=False)
    image = axes.imshow(np.sqrt(parts), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    _name_classes(axes, classes)
    if number <= _MOST_NUMBERED:
        _number_cells(axes, counts, parts)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, label="part of the true class")
    ticks = np.array([0, 0.01, 0.05, 0.1, 0.25, 0.5, 1])
    bar.set_ticks(list(np.sqrt(ticks)), labels=[f"{100 * tick:g} %" for tick in ticks])
    bar.outline.set_visible(False)
    total = int(counts.sum())
    right = int(counts.diagonal().sum())
    accuracy = f"{right:,} of {total:,} right, {percent(right / total)}" if total else "empty"
    axes.set_title(f"{title}: {accuracy}" if title else accuracy)


def _name_classes(axes: Axes, classes: Sequence[str]) -> None:
    """Names where there is room for them, else every tenth number."""
    number = len(classes)
    if number > _MOST_NAMED:
        step = 10 if number <= 10 * _MOST_NAMED else number // 10
        places = range(0, number, step)
        axes.set_xticks(places, [str(place) for place in places])
        axes.set_yticks(places, [str(place) for place in places])
        return
    names = [name if len(name) <= 18 else f"{name[:17]}…" for name in classes]
    long = max(map(len, names), default=0) > 2
    size = 8 if number <= _MOST_NUMBERED else 6
    axes.set_xticks(
        range(number),
        names,
        rotation=45 if long else 0,
        ha="right" if long else "center",
        rotation_mode="anchor" if long else None,
        fontsize=size,
    )
    axes.set_yticks(range(number), names, fontsize=size)
    axes.tick_params(length=0)


def _number_cells(axes: Axes, counts: NDArray[Any], parts: NDArray[Any]) -> None:
    longest = len(str(counts.max(initial=0)))
    size = float(np.clip(30 / max(longest, 1), 4, 8))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if np.sqrt(parts[row, column]) > 0.6 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=size)
