"""Runs laid over one another on one page: their figures, their curves, and what is not the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.pages import page as pages
from cnnkit.pages.chart import Chart, Series
from cnnkit.pages.table import PageTable, TableCell
from cnnkit.presentation.numbers import duration, plural
from cnnkit.tasks.metric import followed, metric_of, metrics_in
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.files import write_atomic
from cnnkit.training.store.kinds import SPEC
from cnnkit.training.store.summary import Summary
from cnnkit.training.view.judged import judged

LINES: Final = "Solid lines are of the validation, dashed ones of the training."
_MISSING: Final = "—"
_MOST_DIFFERENCES: Final = 200

Curves = tuple[str, Sequence[Epoch]]
"""What a run is called, and its epochs."""


def write_overlay(paths: Sequence[Path], output: StrPath | None) -> Path:
    """Writes a page of several runs; returns where.

    Raises:
        UsageError: One of them is no training, or there is no file to write to.
    """
    if output is None:
        raise UsageError(
            f"{len(paths)} runs are laid over one another on one page, which is of none of them: "
            f"say where to write it, `--output runs.html`"
        )
    path = Path(output)
    write_atomic(path, overlay([RunDirectory.open(each, "training") for each in paths]))
    return path


def overlay(runs: Sequence[RunDirectory]) -> str:
    """The page of several runs, finished or on their way."""
    names = named([run.path for run in runs])
    curves = [(name, run.read_metrics()) for name, run in zip(names, runs, strict=True)]
    summaries = [run.read_summary() or Summary() for run in runs]
    return pages.write(
        "runs",
        title=", ".join(names) if len(names) <= 3 else plural(len(names), "run"),
        flow=" · ".join(sorted({each.data for each in summaries if each.data})) or "runs",
        told=[],
        runs=_table(curves, summaries),
        charts=charts_over(curves),
        lines=LINES,
        differences=_differences(names, runs),
    )


def named(paths: Sequence[Path]) -> list[str]:
    """What runs are called: the names of their directories, or their paths where these are one."""
    names = [path.resolve().name for path in paths]
    return [
        name if names.count(name) == 1 else str(path)
        for name, path in zip(names, paths, strict=True)
    ]


def charts_over(curves: Sequence[Curves]) -> list[Chart]:
    """A chart for each metric that is followed; runs of one name are of one colour."""
    measured = {
        metric
        for _, history in curves
        for record in history
        for metric, value in record.train.items()
        if value is not None
    }
    colours = {name: number for number, name in enumerate(dict.fromkeys(n for n, _ in curves))}
    charts = []
    for metric in followed({"loss", *measured}) if measured else ():
        known = metric_of(metric)
        series = [
            line for name, history in curves for line in _lines(name, history, metric, colours)
        ]
        unit: Any = "percent" if known.percent else "number"
        charts.append(Chart(known.title, "epoch", series, unit=unit, from_zero=not known.percent))
    return charts


def _lines(
    name: str, history: Sequence[Epoch], metric: str, colours: Mapping[str, int]
) -> Iterator[Series]:
    """The validation and the training of a run by one metric."""
    epochs = [record.epoch for record in history]
    for split in ("validation", "train"):
        values = [(getattr(record, split) or {}).get(metric) for record in history]
        if any(value is not None for value in values):
            word = "training" if split == "train" else split
            yield Series(
                name,
                epochs,
                values,
                colours[name],
                dashed=split == "train",
                told=f"{name}, {word}",
            )


def _table(curves: Sequence[Curves], summaries: Sequence[Summary]) -> PageTable:
    """A row for each run: what was held out, and what it took."""
    held = [judged(summary) for summary in summaries]
    names = dict.fromkeys(metric.name for _, figures in held for metric in metrics_in(figures))
    rows: list[list[TableCell | str]] = [
        [
            name,
            str(len(history)),
            _MISSING if summary.best_epoch is None else str(summary.best_epoch),
            split if figures else _MISSING,
            *(metric_of(metric).shown(figures.get(metric)) for metric in names),
            summary.diagnosis.verdict if summary.diagnosis else _MISSING,
            time_cell(summary.seconds),
        ]
        for (name, history), summary, (split, figures) in zip(curves, summaries, held, strict=True)
    ]
    titles = [metric_of(metric).title for metric in names]
    heads = ["run", "epochs", "best epoch", "judged on", *titles, "verdict", "time"]
    return PageTable(heads, rows, sortable=True, caption="Runs")


def time_cell(seconds: float | None) -> TableCell | str:
    """How long a run took, as a cell that rows are sorted by."""
    return _MISSING if seconds is None else TableCell(duration(seconds), value=round(seconds, 1))


def _differences(names: Sequence[str], runs: Sequence[RunDirectory]) -> PageTable | None:
    """What the specs do not have in common, a row a field."""
    specs = [dict(_fields("", _read(run.path / SPEC))) for run in runs]
    fields = dict.fromkeys(field for spec in specs for field in spec if field != "name")
    rows: list[list[TableCell | str]] = [
        [field, *found]
        for field in fields
        if len(set(found := [spec.get(field, _MISSING) for spec in specs])) > 1
    ]
    if not rows:
        return None
    return PageTable(
        ["field", *names], rows[:_MOST_DIFFERENCES], words=1, caption="What is not the same"
    )


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}


def _fields(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """The fields of a spec as one text each: ``train.epochs``, ``layers.0.conv.filters``."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _fields(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value):
        for number, inner in enumerate(value):
            yield from _fields(f"{path}.{number}", inner)
    else:
        yield path, json.dumps(value, ensure_ascii=False, default=str)
