"""Run directories as what is compared: cross-validations by folds, trainings by seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cnnkit.errors import UsageError, did_you_mean
from cnnkit.folders import StrPath
from cnnkit.selection.comparison.pairs import Entry, read_record
from cnnkit.selection.folds.directory import FOLDS
from cnnkit.selection.folds.fold import CrossValidation, Cut, Fold
from cnnkit.tasks.metric import METRICS, RECALL, class_of, headline, is_metric
from cnnkit.training.compute.metrics import summarize
from cnnkit.training.store.data_record import DataRecord
from cnnkit.training.store.directory import SUMMARY, RunDirectory
from cnnkit.training.store.kinds import SPLIT
from cnnkit.training.store.record import parse
from cnnkit.training.store.summary import Summary
from cnnkit.training.view.judged import judged


def entries_of(paths: Sequence[StrPath], metric: str) -> list[Entry]:
    """The networks of some run directories, in their order; trainings of one recipe are one.

    Raises:
        UsageError: A path is no finished run, or has no such metric.
    """
    found: list[Entry] = []
    trainings: dict[str, list[tuple[Path, int, float]]] = {}
    places: dict[str, int] = {}
    for path in map(Path, paths):
        run = RunDirectory.open(path, "training", "cross-validation")
        if not run.finished:
            raise UsageError(f"{path} has no {SUMMARY}: it has not come to its end")
        if (path / FOLDS).exists():
            found.append(_folds(path, metric))
            continue
        key, seed = _recipe(run)
        if key not in trainings:
            places[key] = len(found)
            found.append(Entry(_name(path), "seeds", {}, 0.0, key, ()))
        trainings.setdefault(key, []).append((path, seed, _test(path, metric)))
    for key, runs in trainings.items():
        found[places[key]] = _seeds(key, runs)
    return _told_apart(found)


def compared_by(paths: Sequence[StrPath], metric: str | None) -> str:
    """What runs are compared by: the metric that is asked for, else the headline of the first.

    Raises:
        UsageError: There is no such metric, or the first is no finished run.
    """
    if metric is not None:
        if not is_metric(metric):
            near = did_you_mean(metric, METRICS)
            names = ", ".join((*METRICS, f"{RECALL}CLASS"))
            advice = f"did you mean {near}?" if near else f"the metrics are {names}"
            raise UsageError(f"--metric {metric}: there is no such metric; {advice}")
        return metric
    run = RunDirectory.open(Path(paths[0]), "training", "cross-validation")
    if not run.finished:
        raise UsageError(f"{paths[0]} has no {SUMMARY}: it has not come to its end")
    if (run.path / FOLDS).exists():
        return headline(read_record(CrossValidation.from_json, run.path / SUMMARY).metrics)
    return headline(judged(read_record(partial(parse, Summary), run.path / SUMMARY))[1])


def _figure(figures: Mapping[str, Any], recalls: Mapping[str, float], metric: str) -> float | None:
    """A metric among figures; the recall of a class from the class's own."""
    wanted = class_of(metric)
    if wanted is None or metric in figures:
        return figures.get(metric)
    return recalls.get(wanted)


def _folds(path: Path, metric: str) -> Entry:
    """A cross-validation."""
    cut = read_record(partial(parse, Cut), path / FOLDS)
    key = json.dumps([cut.data, cut.examples, cut.fold, cut.random_labels])
    figures: dict[int, float] = {}
    trained = held = 0
    found = read_record(CrossValidation.from_json, path / SUMMARY, "folds")
    for fold in found.folds:
        value = _figure(fold.figures.metrics, _recalls(fold, found.names), metric)
        if value is None:
            raise UsageError(f"{path} has no {metric} of fold {fold.number + 1}")
        figures[fold.number] = float(value)
        trained, held = trained + fold.trained, held + fold.figures.examples
    digest = hashlib.sha256(key.encode()).hexdigest()
    return Entry(_name(path), "folds", figures, held / trained, digest, (str(path),))


def _recalls(fold: Fold, names: Sequence[str]) -> dict[str, float]:
    """The recall of each class of a fold, from its counts."""
    counts = fold.figures.confusion
    if counts.ndim < 2:
        return {}
    each = summarize(counts).classes
    return {name: one.recall for name, one in zip(names, each, strict=True)}


def _recipe(run: RunDirectory) -> tuple[str, int]:
    """What runs of other seeds have in common, and the seed."""
    spec = run.read_spec().to_dict()
    spec.pop("name", None)
    train = dict(spec.get("train", {}))
    seed = int(train.pop("seed", 0))
    split = read_record(partial(parse, DataRecord), run.path / SPLIT, "data")
    return json.dumps([{**spec, "train": train}, split.data], sort_keys=True), seed


def _test(path: Path, metric: str) -> float:
    _, test = judged(read_record(partial(parse, Summary), path / SUMMARY, "test"))
    recalls = {row["name"]: row["recall"] for row in test.get("classes", ())}
    value = _figure(test, recalls, metric)
    if value is None:
        raise UsageError(f"{path} has no {metric} of held-out examples")
    return float(value)


def _seeds(key: str, runs: Sequence[tuple[Path, int, float]]) -> Entry:
    """Trainings of one recipe."""
    figures: dict[int, float] = {}
    by_seed: dict[int, Path] = {}
    for path, seed, value in runs:
        if seed in figures:
            raise UsageError(
                f"{by_seed[seed]} and {path} are of one recipe and one seed, {seed}: the second "
                "says nothing new; train with another, `--set train.seed=1`"
            )
        figures[seed], by_seed[seed] = value, path
    paths = tuple(str(path) for path, _, _ in runs)
    return Entry(_name(runs[0][0]), "seeds", figures, 0.0, key, paths)


def _name(path: Path) -> str:
    return path.resolve().name


def _told_apart(entries: list[Entry]) -> list[Entry]:
    """Entries of one name by their paths."""
    names = [entry.name for entry in entries]
    return [
        entry
        if names.count(entry.name) == 1
        else Entry(
            entry.paths[0],
            entry.pairing,
            entry.figures,
            entry.overlap,
            entry.key,
            entry.paths,
        )
        for entry in entries
    ]
