"""Networks compared pair by pair, as a page: what is said of them, their figures, their curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from cnnkit.pages import page as pages
from cnnkit.pages.chart import Chart, Series
from cnnkit.pages.table import PageTable
from cnnkit.selection.comparison.pairs import Entry, PairedComparison, summary
from cnnkit.selection.folds.fold import CrossValidation
from cnnkit.selection.view.values import spread, value_of
from cnnkit.tasks.metric import metric_of
from cnnkit.training.store.directory import SUMMARY, RunDirectory
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.view.overlay import LINES, Curves, charts_over

_OF_FOLDS: Final = "Dashed lines are of the training of each fold: folds are judged at their end."


def paired_page(
    entries: Sequence[Entry], comparisons: Sequence[PairedComparison], metric: str
) -> str:
    """The page of a comparison."""
    told = [" ".join(each.sentences()) for each in comparisons]
    if len(comparisons) > 1:
        told.append(corrected(len(comparisons)))
    curves = [each for entry in entries for each in _curves(entry)]
    return pages.write(
        "runs",
        title=f"Comparison by {metric_of(metric).title}",
        flow=", ".join(entry.name for entry in entries),
        told=told,
        runs=_table(entries, metric),
        charts=[_pairs(entries, metric), *charts_over(curves)],
        lines=LINES if entries[0].pairing == "seeds" else _OF_FOLDS,
        differences=None,
    )


def corrected(comparisons: int) -> str:
    """What is said of the p-values of several comparisons."""
    return f"The p-values allow for {comparisons} comparisons (Holm, 1979)."


def _table(entries: Sequence[Entry], metric: str) -> PageTable:
    """A row for each network: its mean, and its figure at each fold or seed."""
    labels = sorted({label for entry in entries for label in entry.figures})
    word = entries[0].pairing.removesuffix("s")
    first = 1 if word == "fold" else 0
    rows = [
        [
            entry.name,
            spread(metric, *summary(entry)),
            *(value_of(metric, entry.figures.get(label)) for label in labels),
        ]
        for entry in entries
    ]
    heads = ["network", "mean", *(f"{word} {label + first}" for label in labels)]
    return PageTable(heads, rows, sortable=True, caption="Runs")


def _pairs(entries: Sequence[Entry], metric: str) -> Chart:
    """The figure of each network at each fold or seed: pairs stand above one another."""
    known, pairing = metric_of(metric), entries[0].pairing
    first = 1 if pairing == "folds" else 0
    series = [
        Series(
            entry.name,
            [label + first for label in sorted(entry.figures)],
            [entry.figures[label] for label in sorted(entry.figures)],
            colour,
            "dots",
        )
        for colour, entry in enumerate(entries)
    ]
    unit: Any = "percent" if known.percent else "number"
    title = f"{known.title} of what was held out"
    return Chart(title, pairing.removesuffix("s"), series, unit=unit)


def _curves(entry: Entry) -> Iterator[Curves]:
    """The epochs of each fold or seed of a network."""
    for path in entry.paths:
        run = RunDirectory(Path(path))
        if entry.pairing == "seeds":
            yield entry.name, run.read_metrics()
            continue
        found = run.read_record(SUMMARY, CrossValidation.from_json)
        for fold in found.folds if found else ():
            yield entry.name, [Epoch(each.epoch, each.train, None) for each in fold.history]
