"""The parts of a run's page as plain data: its curves, and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from cnnkit.analysis.analyze import analyze
from cnnkit.analysis.result import Analysis
from cnnkit.pages.chart import Chart, Guide, Series
from cnnkit.pages.table import ColumnHead, PageTable, TableCell
from cnnkit.presentation.numbers import memory, percent, short, speed
from cnnkit.spec.model.spec import Spec
from cnnkit.tasks.metric import followed, metric_of
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import Metrics, RunEpoch
from cnnkit.training.store.summary import Measured, Summary

_WEAK: Final = 0.5
_NOT_SHOWN: Final = ("command", "variables", "options")
_OF_PIXELS: Final = ("iou", "dice", "precision", "recall")
_OF_EXAMPLES: Final = ("precision", "recall", "f1")


def charts_of(history: Sequence[RunEpoch], summary: Summary, floor: float | None) -> list[Chart]:
    """The curves of a run: the loss, the metrics that are followed, and the learning rate.

    Args:
        history: The epochs.
        summary: What the run came to.
        floor: What the loss cannot be below, where that is known.
    """
    if not history:
        return []
    measured = {
        name for record in history for name, value in record.train.items() if value is not None
    }
    charts = [
        _curve(history, name, summary, {"loss": floor}.get(name))
        for name in followed({"loss", *measured}, summary.monitor)
    ]
    known = [record for record in history if record.learning_rate is not None]
    if known:
        rates = [record.learning_rate for record in known]
        line = Series("", [record.epoch for record in known], rates, 2)
        charts.append(Chart("learning rate", "epoch", [line], from_zero=True))
    return charts


def _curve(history: Sequence[RunEpoch], name: str, summary: Summary, floor: float | None) -> Chart:
    """A metric over the epochs, of the training and of the validation."""
    metric = metric_of(name)
    epochs = [record.epoch for record in history]
    splits: tuple[tuple[str, list[float | None], bool], ...] = (
        ("training", [_value(record.train, name) for record in history], True),
        ("validation", [_value(record.validation, name) for record in history], False),
    )
    series = [
        Series(split, epochs, values, colour, dashed=dashed)
        for colour, (split, values, dashed) in enumerate(splits)
        if any(value is not None for value in values)
    ]
    return Chart(
        metric.title,
        "epoch",
        series,
        unit="percent" if metric.percent else "number",
        from_zero=not metric.percent,
        guides=list(_guides(history, name, summary, floor)),
    )


def _guides(
    history: Sequence[RunEpoch], name: str, summary: Summary, floor: float | None
) -> Iterator[Guide]:
    best = next((record for record in history if record.epoch == summary.best_epoch), None)
    if best is not None and any(record.validation for record in history):
        value = _value(best.validation, name)
        told = "" if value is None else f": {metric_of(name).shown(value)}"
        yield Guide(best.epoch, f"best, epoch {best.epoch}{told}")
    diagnosis = summary.diagnosis
    stop = None if diagnosis is None else {"loss": diagnosis.stop_at}.get(name)
    if stop is not None and stop != summary.best_epoch:
        yield Guide(stop, f"lowest validation loss, epoch {stop}")
    if floor is not None:
        yield Guide(floor, f"{floor:.4g}, the least that label smoothing leaves", across=True)


def _value(figures: Metrics | None, metric: str) -> float | None:
    return figures.get(metric) if figures else None


def class_tables(held_out: Measured) -> Iterator[tuple[str, PageTable]]:
    """A row for each class, of several outputs a table for each; with its heading."""
    if held_out.get("classes"):
        yield "Classes", _classes(held_out, "Classes")
    for name, output in (held_out.get("outputs") or {}).items():
        if output.get("classes"):
            yield f"Classes of {name}", _classes(output, f"Classes of {name}")


def _classes(measured: Measured, caption: str) -> PageTable:
    """A row for each class of an output; a weak figure stands out."""
    pixels = measured.get("pixels")
    names = _OF_EXAMPLES if pixels is None else _OF_PIXELS
    rows = [
        [str(row["name"]), *(_part(row[name]) for name in names), f"{row['support']:,}"]
        for row in measured["classes"]
    ]
    if pixels is None:
        means = [f"{measured[name]:.4f}" for name in ("precision", "recall", "macro_f1")]
        heads = ["class", "precision", "recall", "F1", "examples"]
        foot = ["mean", *means, f"{measured['examples']:,}"]
    else:
        heads = ["class", "IoU", "Dice", "precision", "recall", "pixels"]
        foot = ["all", *[""] * len(names), f"{pixels:,}"]
    return PageTable(heads, rows, foot=foot, sortable=True, caption=caption)


def _part(value: float | None) -> TableCell | str:
    if value is None:
        return "—"
    return TableCell(f"{value:.4f}", "weak") if value < _WEAK else f"{value:.4f}"


def calibration_of(held_out: Measured) -> Mapping[str, Any] | None:
    """Accuracy over confidence; None where it was not measured."""
    bins = held_out.get("reliability")
    error = held_out.get("calibration_error")
    if not bins or error is None:
        return None
    line = Series(
        "answers of a range of confidence",
        [each["confidence"] for each in bins],
        [each["accuracy"] for each in bins],
        0,
        "dots",
        notes=[f"{each['examples']:,}" for each in bins],
    )
    joined = Series("", line.x, line.y, 0)
    return {
        "told": "On the diagonal an answer is right as often as it is said to be; above it the "
        "network is too modest, below it too sure. Beside each dot stands how many answers it is "
        f"of. They are {percent(error)} apart on average.",
        "chart": Chart(
            "accuracy",
            "confidence",
            [joined, line],
            unit="percent",
            across_unit="percent",
            whole=False,
            square=True,
        ),
    }


def predicted(spec: Spec) -> Analysis | None:
    """The network as the calculator has it, for the batch and the optimizer of its recipe."""
    train = spec.train
    if train is None or not isinstance(train.batch_size, int):
        return None
    optimizer = train.optimizer.kind
    return analyze(
        spec, batch=train.batch_size, precision=train.compute_precision, optimizer=optimizer
    )


def costs_table(history: Sequence[RunEpoch], analysis: Analysis | None) -> PageTable | None:
    """What the calculator says that a step takes, beside what was measured."""
    paces = [pace for record in history if (pace := record.time.get("images_per_second"))]
    peaks = [peak for record in history if (peak := record.time.get("peak_bytes"))]
    if analysis is None or not paces:
        return None
    pace, macs = median(paces), analysis.totals.macs
    settings, training = analysis.settings, analysis.totals.training_memory
    forward = f"{short(macs)} MACs an image forward, about three times that with the gradients"
    reached = f"{speed(pace)}, {short(round(3 * macs * pace))} MACs a second"
    rows = [["speed of training", forward, reached]]
    if training is not None:
        needed = f"batch {settings.batch:,}, {settings.precision}, {settings.optimizer}"
        most = memory(int(max(peaks, default=0)))
        held = f"{most} at most; on a CPU that is the whole process, with JAX"
        rows.append(
            [
                "memory of training",
                f"{memory(training)}: {needed}",
                held if peaks else "not measured",
            ]
        )
    heads = ["what", "predicted by the calculator", "measured"]
    return PageTable(heads, rows, words=3, caption="Predicted and measured")


def epochs_table(history: Sequence[RunEpoch], summary: Summary) -> PageTable | None:
    """A row for each epoch; None without any."""
    if not history:
        return None
    names = followed(history[0].train, summary.monitor)
    heads = [
        f"{split} {metric_of(name).title}" for name in names for split in ("training", "validation")
    ]
    rows = [
        [
            str(record.epoch),
            *(_figure(each, name) for name in names for each in (record.train, record.validation)),
            "" if record.learning_rate is None else f"{record.learning_rate:.3g}",
        ]
        for record in history
    ]
    return PageTable(
        ["epoch", *heads, "learning rate"],
        rows,
        kinds=["best" if record.epoch == summary.best_epoch else "" for record in history],
        caption="Epochs",
    )


def _figure(figures: Mapping[str, Any] | None, name: str) -> str:
    value = figures.get(name) if figures else None
    return "" if value is None else metric_of(name).shown(value)


def environment_table(environment: Environment) -> PageTable | None:
    """What the run was made with, and the command that makes it again; None where not known."""
    known = environment.to_dict()
    if not known:
        return None
    rows: list[list[TableCell | str]] = [
        [name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)]
        for name, value in known.items()
        if name not in _NOT_SHOWN
    ]
    if command := environment.command:
        rows.append(["command", TableCell(" ".join(command), "command", code=True)])
    heads: list[ColumnHead | str] = ["what", "which"]
    return PageTable(heads, rows, words=2, caption="Environment")
