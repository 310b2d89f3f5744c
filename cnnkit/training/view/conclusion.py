"""What a run came to, in the lines that end it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnkit.presentation.numbers import percent
from cnnkit.tasks.metric import METRICS, metrics_in
from cnnkit.training.store.directory import (
    CONFUSION,
    CURVES,
    EXAMPLES,
    REPORT,
    SAMPLES,
    SUMMARY,
    WRONG,
)
from cnnkit.training.store.summary import Diagnosis, Measured, Summary
from cnnkit.training.view.confusion import ClassCounts, class_counts, confusion_lines
from cnnkit.training.view.judged import judged

if TYPE_CHECKING:
    from cnnkit.training.compute.threshold import Decision
    from cnnkit.training.use.judgement import Judgement

_ALL_CLASSES = 10
_WORST = 5
_WIDTH = 100


def conclusion(summary: Summary, run: Path) -> Iterator[str]:
    """What was held out, each class, the diagnosis, and where all of it lies."""
    yield ""
    name, figures = judged(summary)
    yield from measured_lines(name, figures, summary.best_epoch)
    if sealed := summary.sealed:
        yield ""
        yield (
            f"the test split of {sealed:,} examples stays sealed: "
            f"`cnnkit evaluate {run}` opens it, once all is chosen"
        )
    if summary.diagnosis is not None:
        yield from _diagnosis(summary.diagnosis)
    yield ""
    names = (SUMMARY, CURVES, CONFUSION, WRONG, EXAMPLES, SAMPLES, REPORT)
    yield f"{run}: {', '.join(name for name in names if name == SUMMARY or (run / name).exists())}"


def measured_lines(split: str, figures: Measured, epoch: int | None) -> Iterator[str]:
    """The figures of the split that was held out, and those of its classes.

    Args:
        split: Its name.
        figures: What was measured on it; empty where nothing was held out.
        epoch: The one that the weights are of.
    """
    if not figures:
        yield "no validation split: nothing was held back to measure the result on"
        return
    yield figures_line(figures, epoch, split)
    yield from _further_line(figures)
    yield from _interval_line(figures)
    yield from _majority_line(figures)
    yield from _table(figures)
    for name, output in (figures.get("outputs") or {}).items():
        if "classes" in output:
            yield ""
            yield f"{name}:"
            yield from _interval_line(output)
            yield from _majority_line(output)
            yield from _table(output)


def judgement_lines(found: Judgement) -> Iterator[str]:
    """What was chosen on the validation split, and what it makes of the test split."""
    calibration, threshold = found.calibration, found.threshold
    if calibration is not None and calibration.temperature is not None:
        error = METRICS["calibration_error"]
        before, after = map(error.shown, (calibration.error, calibration.mended_error))
        yield ""
        yield (
            f"temperature {calibration.temperature:.4g}, chosen on the validation split: "
            f"{error.title} {before} without it, {after} with it"
        )
    if threshold is not None:
        yield ""
        yield (
            f"threshold {threshold.value:.4g} of {threshold.name}, chosen on the validation split "
            f"for a recall of {percent(threshold.recall)}"
        )
        for split, decision in (
            ("validation", threshold.validation),
            ("test", threshold.measured),
        ):
            yield f"{split}: {_decision(decision)}"


def _decision(found: Decision) -> str:
    """What a threshold makes of a split."""
    figures = found.to_dict()
    shown = [
        f"{name} {'—' if figures[name] is None else percent(figures[name])}"
        for name in ("recall", "precision", "specificity", "f1", "accuracy")
    ]
    text = ", ".join(shown).replace("f1 ", "F1 ")
    if interval := figures["recall_interval"]:
        low, high = map(percent, interval)
        text = text.replace(",", f" (95 % interval {low} to {high}),", 1)
    counts = f"{found.found:,} found, {found.missed:,} missed, {found.alarms:,} false alarms"
    return f"{counts}: {text}"


def figures_line(test: Measured, epoch: int | None, split: str) -> str:
    """The figures of a split in a line."""
    weights = "" if epoch is None else f", weights of epoch {epoch}"
    count = f"{split} of {test['examples']:,} examples{weights}:"
    shown = [
        f"{metric.title} {metric.shown(test[metric.name])}"
        for metric in metrics_in(test)
        if metric.brief and (test[metric.name] is not None or metric.fewest == 0)
    ]
    return f"{count} {', '.join(shown)}"


def _further_line(test: Measured) -> Iterator[str]:
    """The other metrics that the targets have."""
    shown = [
        f"{metric.title} {metric.shown(test[metric.name])}"
        for metric in metrics_in(test)
        if not metric.brief
    ]
    if shown:
        yield f"also {', '.join(shown)}"


def _interval_line(test: Measured) -> Iterator[str]:
    """How sure the accuracy is, by the number of examples."""
    if interval := test.get("accuracy_interval"):
        low, high = map(percent, interval)
        yield f"95 % interval of the accuracy, by so many examples: {low} to {high}"


def _majority_line(test: Measured) -> Iterator[str]:
    """What always answering the most frequent class would have given."""
    rows = test.get("classes") or []
    if "majority" not in test or np.ndim(test.get("confusion", 0)) != 2:
        return
    if not any(row["support"] for row in rows):
        return
    frequent = max(rows, key=lambda row: row["support"])
    chance = 1 / sum(row["support"] > 0 for row in rows)
    yield (
        f"always answering {frequent['name']}, the most frequent class: accuracy "
        f"{percent(test['majority'])}, balanced accuracy {percent(chance)}"
    )


def _table(figures: Measured) -> Iterator[str]:
    """A row a class, of pixels or of examples, where there are classes."""
    if "pixels" in figures:
        yield from pixel_table(figures["classes"])
    elif "classes" in figures:
        yield from confusion_lines(figures)
        counts = class_counts(figures["confusion"]) if "confusion" in figures else None
        yield from class_table(figures["classes"], figures.get("averages") or {}, counts)


def class_table(
    classes: list[Mapping[str, Any]],
    averages: Mapping[str, Mapping[str, float]] = {},
    counts: Sequence[ClassCounts] | None = None,
) -> Iterator[str]:
    """A row a class, where there are many the worst ones; and the means over all of them.

    Args:
        classes: The figures of each class; its recall is shown by its other name, sensitivity.
        averages: The means, by name.
        counts: The counts of each class, where they are known.
    """
    known: Sequence[ClassCounts | None] = counts or [None] * len(classes)
    rows = list(zip(classes, known, strict=True))
    if len(classes) > _ALL_CLASSES:
        rows = sorted(rows, key=lambda row: row[0]["f1"])[:_WORST]
    width = max(5, *(len(name) for name in (*(row["name"] for row, _ in rows), *averages)))
    digits = max(3, *(len(f"{count:,}") for _, found in rows for count in (found or (0,))[:3]))
    heads = "".join(f"  {name:>{digits}}" for name in ("TP", "FP", "FN")) if counts else ""
    last = "  specificity" if counts else ""
    yield ""
    yield f"{'class':{width}}{heads}  precision  sensitivity{last}      F1  examples"
    for row, found in rows:
        cells = "".join(f"  {count:{digits},}" for count in (found or ())[:3])
        yield (
            f"{row['name']:{width}}{cells}  {row['precision']:9.4f}  {row['recall']:11.4f}"
            f"{_specificity(found)}  {row['f1']:6.4f}  {row['support']:8,}"
        )
    if len(rows) < len(classes):
        yield f"the {len(rows)} of {len(classes)} classes with the lowest F1"
    for name, mean in averages.items():
        yield (
            f"{name:{width}}{'':{len(heads)}}  {mean['precision']:9.4f}  {mean['recall']:11.4f}"
            f"{'':{len(last)}}  {mean['f1']:6.4f}"
        )


def _specificity(counts: ClassCounts | None) -> str:
    if counts is None:
        return ""
    value = counts.specificity
    return f"  {'—' if value is None else f'{value:.4f}':>11}"


def pixel_table(classes: list[Mapping[str, Any]]) -> Iterator[str]:
    """A row a class of pixels, where there are many those of the lowest IoU."""
    shown = classes
    if len(classes) > _ALL_CLASSES:
        there = [row for row in classes if row["iou"] is not None]
        shown = sorted(there, key=lambda row: row["iou"])[:_WORST]
    width = max(5, *(len(row["name"]) for row in shown)) if shown else 5
    yield ""
    yield f"{'class':{width}}     IoU    Dice  precision  recall        pixels"
    for row in shown:
        iou, dice = ("—" if row[name] is None else f"{row[name]:.4f}" for name in ("iou", "dice"))
        yield (
            f"{row['name']:{width}}  {iou:>6}  {dice:>6}  {row['precision']:9.4f}  "
            f"{row['recall']:6.4f}  {row['support']:12,}"
        )
    if len(shown) < len(classes):
        yield f"the {len(shown)} of {len(classes)} classes with the lowest IoU"


def _diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    yield ""
    width = min(_WIDTH, get_terminal_size((_WIDTH, 24)).columns)
    yield from _wrapped(f"{diagnosis.verdict}: {diagnosis.reason}", width)
    for advice in diagnosis.advice:
        yield from _wrapped(advice, width, "- ", "  ")


def _wrapped(text: str, width: int, first: str = "", other: str = "") -> list[str]:
    """The lines of a text; a number and its percent sign stay together."""
    bound = text.replace(" %", "\u00a0%")
    lines = textwrap.wrap(bound, width, initial_indent=first, subsequent_indent=other)
    return [line.replace("\u00a0", " ") for line in lines]
