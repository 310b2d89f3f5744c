"""What a run came to, in the lines that end it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from cnnkit.training.store.directory import CONFUSION, CURVES, REPORT, SUMMARY
from cnnkit.training.view.judged import judged

_ALL_CLASSES = 10
_WORST = 5
_WIDTH = 100


def conclusion(summary: Mapping[str, Any], run: Path) -> Iterator[str]:
    """What was held out, each class, the diagnosis, and where all of it lies."""
    yield ""
    yield from measured_lines(summary)
    if sealed := summary.get("sealed"):
        yield ""
        yield (
            f"the test split of {sealed:,} examples stays sealed: "
            f"`cnnkit evaluate {run}` opens it, once all is chosen"
        )
    yield from _diagnosis(summary["diagnosis"])
    yield ""
    names = (SUMMARY, CURVES, CONFUSION, REPORT)
    yield f"{run}: {', '.join(name for name in names if name == SUMMARY or (run / name).exists())}"


def measured_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """The figures of the split that was held out, and those of its classes."""
    name, test = judged(summary)
    if not test:
        yield "no validation split: nothing was held back to measure the result on"
        return
    yield figures_line(test, summary["best_epoch"], name)
    if "classes" in test:
        yield from class_table(test["classes"])


def figures_line(test: Mapping[str, Any], epoch: int | None, name: str) -> str:
    """The figures of a split in a line."""
    weights = "" if epoch is None else f", weights of epoch {epoch}"
    count = f"{name} of {test['examples']:,} examples{weights}:"
    if "accuracy" not in test:
        return (
            f"{count} mean squared error {test['mean_squared_error']:.4g}, mean absolute error "
            f"{test['mean_absolute_error']:.4g}, loss {_number(test['loss'])}"
        )
    top = f", top 5 {test['top5']:.2%}" if test.get("top5") is not None else ""
    return (
        f"{count} accuracy {test['accuracy']:.2%}{top}, macro F1 {test['macro_f1']:.4f}, loss "
        f"{_number(test['loss'])}"
    )


def class_table(classes: list[Mapping[str, Any]]) -> Iterator[str]:
    """A row a class; where there are many, the worst ones."""
    shown = classes
    if len(classes) > _ALL_CLASSES:
        shown = sorted(classes, key=lambda row: row["f1"])[:_WORST]
    width = max(5, *(len(row["name"]) for row in shown))
    yield ""
    yield f"{'class':{width}}  precision  recall      F1  examples"
    for row in shown:
        yield (
            f"{row['name']:{width}}  {row['precision']:9.4f}  {row['recall']:6.4f}  "
            f"{row['f1']:6.4f}  {row['support']:8,}"
        )
    if len(shown) < len(classes):
        yield f"the {len(shown)} of {len(classes)} classes with the lowest F1"


def _diagnosis(diagnosis: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    text = f"{diagnosis['verdict']}: {diagnosis['reason']}"
    width = min(_WIDTH, get_terminal_size((_WIDTH, 24)).columns)
    yield from textwrap.wrap(text, width)
    for advice in diagnosis["advice"]:
        yield from textwrap.wrap(advice, width, initial_indent="- ", subsequent_indent="  ")


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4f}"
