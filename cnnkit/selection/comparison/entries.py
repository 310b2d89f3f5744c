"""Run directories as what is compared: cross-validations by folds, trainings by seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from cnnkit.errors import UsageError
from cnnkit.selection.comparison.pairs import Entry, read_json
from cnnkit.selection.folds.directory import FOLDS
from cnnkit.training.store.directory import SPLIT, SUMMARY, RunDirectory
from cnnkit.training.view.judged import judged


def entries_of(paths: Sequence[Path], metric: str) -> list[Entry]:
    """The networks of some run directories, in their order; trainings of one recipe are one.

    Raises:
        UsageError: A path is no finished run, or has no such metric.
    """
    found: list[Entry] = []
    trainings: dict[str, list[tuple[Path, int, float]]] = {}
    places: dict[str, int] = {}
    for path in paths:
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


def _folds(path: Path, metric: str) -> Entry:
    """A cross-validation."""
    cut = read_json(path / FOLDS, "data", "examples", "fold", "random_labels")
    key = json.dumps([cut["data"], cut["examples"], cut["fold"], cut["random_labels"]])
    figures: dict[int, float] = {}
    trained = held = 0
    for fold in read_json(path / SUMMARY, "folds")["folds"]:
        value = fold["metrics"].get(metric)
        if value is None:
            raise UsageError(f"{path} has no {metric} of fold {fold['fold'] + 1}")
        figures[fold["fold"]] = float(value)
        trained, held = trained + fold["trained"], held + fold["examples"]
    digest = hashlib.sha256(key.encode()).hexdigest()
    return Entry(_name(path), "folds", figures, held / trained, digest, (str(path),))


def _recipe(run: RunDirectory) -> tuple[str, int]:
    """What runs of other seeds have in common, and the seed."""
    spec = run.read_spec().to_dict()
    spec.pop("name", None)
    train = dict(spec.get("train", {}))
    seed = int(train.pop("seed", 0))
    split = read_json(run.path / SPLIT, "data")
    return json.dumps([{**spec, "train": train}, split["data"]], sort_keys=True), seed


def _test(path: Path, metric: str) -> float:
    _, test = judged(read_json(path / SUMMARY, "test"))
    value = test.get(metric)
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
