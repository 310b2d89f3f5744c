"""Runs compared in pairs: over the folds of cross-validations, or over the seeds of trainings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from cnnkit.errors import UsageError
from cnnkit.selection.statistics import Difference, holm, mean_and_deviation, paired_difference
from cnnkit.tasks.metric import metric_of
from cnnkit.training.store.record import DamagedRecordError

FORMAT: Final = 1
"""The version of the JSON that ``PairedComparison.to_dict`` gives."""

T = TypeVar("T")
Pairing = Literal["folds", "seeds"]


@dataclass(frozen=True)
class Entry:
    """What is compared: one network, and its figure at each fold or seed.

    Attributes:
        name: What it is called.
        pairing: Whether its figures are of folds or of seeds.
        figures: For each fold or seed its figure.
        overlap: Test examples for each training example of a fold; 0 of seeds.
        key: What must be equal for figures to be of the same examples.
        paths: The run directories that it came from.
        notes: What every figure of it is to be shown with.
    """

    name: str
    pairing: Pairing
    figures: Mapping[int, float]
    overlap: float
    key: str
    paths: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairedComparison:
    """Two entries, compared pair by pair.

    Attributes:
        first: What the other is compared with.
        second: The other.
        metric: The name of the figure, a metric.
        labels: The folds or seeds that both have.
        difference: Second minus first; None of a single pair, which says nothing of chance.
        p_value: Corrected for how many comparisons there are.
    """

    first: Entry
    second: Entry
    metric: str
    labels: tuple[int, ...]
    difference: Difference | None
    p_value: float | None

    @property
    def better(self) -> Entry | None:
        """The better of the two, where chance does not explain the difference."""
        if self.difference is None or self.p_value is None or self.p_value >= 0.05:
            return None
        rises = self.difference.mean > 0
        return self.second if rises == metric_of(self.metric).rises else self.first

    def sentences(self) -> list[str]:
        """The comparison in plain words."""
        count, what = len(self.labels), self.first.pairing
        if self.difference is None:
            pair = f"one {what[:-1]}"
            names = f"{self.first.name} and {self.second.name}"
            return [
                f"{names} share {pair} only: a single pair says nothing of chance.",
                f"Run both with more {what}, at least 3.",
            ]
        difference = self.difference
        sign = "higher" if difference.mean > 0 else "lower"
        metric = metric_of(self.metric)
        shown = metric.difference
        mean = shown(abs(difference.mean))
        interval = f"{shown(difference.low)} to {shown(difference.high)}"
        words = [
            f"Over {count} {what} the {metric.title} of {self.second.name} is on average {mean} "
            f"{sign} than that of {self.first.name}; 95 % interval of the difference: {interval}."
            if difference.mean
            else f"Over {count} {what} the mean {metric.title} of both is the same."
        ]
        chance = f"p = {self.p_value:.2g}" if self.p_value else "p < 0.001"
        if self.better is not None:
            words.append(
                f"{self.better.name} is better: a difference as large comes about by chance in "
                f"fewer than 5 of 100 such comparisons ({chance})."
            )
        else:
            words.append(
                f"That is no evidence that one is better: {what} alone make such a difference "
                f"often enough ({chance})."
            )
        if what == "folds":
            words.append(
                "The test is corrected for the training examples that folds share (Nadeau and "
                "Bengio, 2003)."
            )
        return words

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON shows it; every key is always there."""
        difference = self.difference
        return {
            "first": self.first.name,
            "second": self.second.name,
            "metric": self.metric,
            "pairing": self.first.pairing,
            "pairs": [
                {"label": label, "first": self.first.figures[label],
                 "second": self.second.figures[label]}
                for label in self.labels
            ],
            "mean": difference.mean if difference else None,
            "low": difference.low if difference else None,
            "high": difference.high if difference else None,
            "p_value": self.p_value,
            "better": self.better.name if self.better else None,
            "sentences": self.sentences(),
        }  # fmt: skip


def compare(entries: Sequence[Entry], metric: str) -> list[PairedComparison]:
    """Each entry but the first with the first; their p-values corrected together by Holm's method.

    Raises:
        UsageError: They cannot be paired.
    """
    first, *others = entries
    if not others:
        raise UsageError(
            f"{first.name} is the only network here: name the runs of another to compare it with"
        )
    differences: list[tuple[Entry, tuple[int, ...], Difference | None]] = []
    for other in others:
        labels = _paired(first, other)
        difference = None
        if len(labels) > 1:
            difference = paired_difference(
                [first.figures[label] for label in labels],
                [other.figures[label] for label in labels],
                max(first.overlap, other.overlap),
            )
        differences.append((other, labels, difference))
    known = [difference.p_value for _, _, difference in differences if difference]
    corrected = iter(holm(known))
    return [
        PairedComparison(
            first, other, metric, labels, difference, next(corrected) if difference else None
        )
        for other, labels, difference in differences
    ]


def _paired(first: Entry, other: Entry) -> tuple[int, ...]:
    """The folds or seeds that both have."""
    if first.pairing != other.pairing:
        raise UsageError(
            f"{first.name} is of {first.pairing} and {other.name} of {other.pairing}: only like "
            "is compared with like"
        )
    if first.pairing == "folds" and first.key != other.key:
        raise UsageError(
            f"{first.name} and {other.name} have different folds: cross-validate both on the same "
            "data with the same seed and the same number of folds"
        )
    labels = tuple(sorted(first.figures.keys() & other.figures.keys()))
    if not labels:
        raise UsageError(
            f"{first.name} has the seeds {_listed(first)}, {other.name} {_listed(other)}: none is "
            "in both, and only runs of one seed are paired"
        )
    if any(first.figures[label] is None or other.figures[label] is None for label in labels):
        raise UsageError(f"{first.name} or {other.name} has no such figure")
    return labels


def _listed(entry: Entry) -> str:
    return ", ".join(map(str, sorted(entry.figures)))


def summary(entry: Entry) -> tuple[float, float]:
    """The mean and the standard deviation of an entry's figures."""
    return mean_and_deviation([entry.figures[label] for label in sorted(entry.figures)])


def read_record(reader: Callable[[str], T], path: Path, *needed: str) -> T:
    """The record in a file of a run, which has some keys.

    Args:
        reader: What makes the record of JSON.
        path: The file.
        needed: The keys.

    Raises:
        UsageError: There is none, or it is damaged.
    """
    found = read_json(path, *needed)
    try:
        return reader(json.dumps(found))
    except DamagedRecordError as error:
        raise UsageError(f"{path} is damaged: {error}") from None


def read_json(path: Path, *needed: str) -> Any:
    """The mapping in a file of a run, which has some keys.

    Raises:
        UsageError: There is none, or it is damaged.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path} is damaged: it holds no mapping")
    if missing := [key for key in needed if key not in found]:
        raise UsageError(f"{path} is damaged: it has no {', '.join(missing)}")
    return found
