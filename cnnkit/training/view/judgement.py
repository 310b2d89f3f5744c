"""What an evaluation leaves in a folder: its figures, its pictures, and what was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.ticker import PercentFormatter

from cnnkit.errors import UsageError
from cnnkit.presentation.plot import BLUE, VERMILION
from cnnkit.training.compute.calibration import BINS, Bin
from cnnkit.training.store.directory import CONFUSION, WRONG
from cnnkit.training.store.files import told_of_full_disk, write_json
from cnnkit.training.store.wrong import write_wrong
from cnnkit.training.view.curves import drawn, save_confusion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cnnkit.training.use.evaluation import Evaluation
    from cnnkit.training.use.judgement import Calibration, Curve

EVALUATION: Final = "evaluation.json"
ROC: Final = "roc.png"
PRECISION: Final = "precision-recall.png"
RELIABILITY: Final = "reliability.png"
_MOST_CURVES: Final = 8


def write_evaluation(found: Evaluation, folder: Path) -> list[str]:
    """Writes an evaluation to a folder, which is made where it is missing.

    Returns:
        The names of the files.

    Raises:
        UsageError: The folder cannot be written to.
        DiskFullError: The disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with told_of_full_disk(folder):
            return _written(found, folder)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror or error}") from None


def _written(found: Evaluation, folder: Path) -> list[str]:
    judged, names = found.judgement, [EVALUATION]
    curves = [] if judged is None else [each.to_dict() for each in judged.curves]
    write_json(folder / EVALUATION, {**found.to_dict(), "curves": curves})
    if judged is None:
        return names
    write_wrong(folder / WRONG, judged.wrong)
    names.append(WRONG)
    confusion = found.figures["confusion"]
    if np.ndim(confusion) == 2:
        classes = [row["name"] for row in found.figures["classes"]]
        save_confusion(folder / CONFUSION, np.array(confusion), classes, title=found.data)
        names.append(CONFUSION)
    if judged.curves:
        save_roc(folder / ROC, judged.curves)
        save_precision(folder / PRECISION, judged.curves)
        names += [ROC, PRECISION]
    if judged.calibration is not None:
        save_reliability(folder / RELIABILITY, judged.calibration)
        names.append(RELIABILITY)
    return names


def save_roc(path: Path, curves: Sequence[Curve]) -> None:
    """Draws the ROC curves; of many classes those of the smallest areas."""
    shown = sorted(curves, key=lambda curve: curve.roc_area)[:_MOST_CURVES]
    with drawn(path) as figure:
        figure.set_size_inches(3.4, 3.4)
        axes = figure.subplots()
        _diagonal(axes)
        for curve in shown:
            label = f"{_short(curve.name)}, area {100 * curve.roc_area:.2f} %"
            axes.step(*curve.roc, where="post", label=label)
        _finish(axes, "false positive rate", "recall", "lower right", len(curves), len(shown))


def save_precision(path: Path, curves: Sequence[Curve]) -> None:
    """Draws the precision-recall curves; of many classes those of the smallest areas."""
    shown = sorted(curves, key=lambda curve: curve.precision_area)[:_MOST_CURVES]
    with drawn(path) as figure:
        figure.set_size_inches(3.4, 3.4)
        axes = figure.subplots()
        for curve in shown:
            label = f"{_short(curve.name)}, average {100 * curve.precision_area:.2f} %"
            axes.step(*curve.precision, where="pre", label=label)
        _finish(axes, "recall", "precision", "lower left", len(curves), len(shown))


def save_reliability(path: Path, calibration: Calibration) -> None:
    """Draws accuracy over confidence: on the diagonal, probabilities are what they say."""
    with drawn(path) as figure:
        figure.set_size_inches(3.4, 3.4)
        axes = figure.subplots()
        _diagonal(axes)
        label = f"as it is: error {100 * calibration.error:.2f} %"
        _bars(axes, calibration.bins, BLUE, label)
        if calibration.temperature is not None and calibration.mended_error is not None:
            mended = 100 * calibration.mended_error
            label = f"temperature {calibration.temperature:.3g}: error {mended:.2f} %"
            points = [(each.confidence, each.accuracy) for each in calibration.mended]
            axes.plot(*zip(*points, strict=True), color=VERMILION, marker="s", label=label)
        _finish(axes, "confidence", "accuracy", "upper left", 1, 1)


def _diagonal(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color="#595959", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)


def _bars(axes: Axes, bins: Sequence[Bin], color: str, label: str) -> None:
    lows = [each.low for each in bins]
    heights = [each.accuracy for each in bins]
    axes.bar(
        lows, heights, width=1 / BINS, align="edge", color=color, alpha=0.6, label=label, zorder=2
    )


def _finish(axes: Axes, across: str, up: str, place: Any, count: int, shown: int) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=across, ylabel=up)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    if shown < count:
        axes.set_title(f"the {shown} of {count} classes with the smallest area")
    axes.legend(loc=place, fontsize=6.5)


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"
