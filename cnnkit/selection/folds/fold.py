"""A fold and a cross-validation, as their files keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cnnkit.selection.statistics import mean_and_deviation
from cnnkit.tasks.metric import ordered
from cnnkit.training.compute.figures import Figures
from cnnkit.training.store.epoch import Metrics
from cnnkit.training.store.record import DamagedRecordError, parse

FORMAT: Final = 1
"""The version of each of these files."""


_Counts: TypeAlias = Sequence[Sequence[Sequence[int]]] | Sequence[Sequence[int]] | Sequence[float]
"""Of labels, of classes, and the sums of errors of values."""


@dataclass(frozen=True)
class FoldEpoch:
    """An epoch of a fold, which is judged at its end alone.

    Attributes:
        epoch: Its number, from 1.
        train: The metrics over the training examples, as the network saw them in training.
    """

    epoch: int
    train: Metrics


@dataclass(frozen=True)
class Fold:
    """One fold, trained and judged.

    Attributes:
        number: Its number, from 0.
        trained: How many examples it was trained on.
        figures: What it made of those held out.
        history: The figures of each epoch over the training examples.
        seconds: How long it took, its part of a group's time.
        failed: The step at which the loss or a gradient was no number; None where all were.
    """

    number: int
    trained: int
    figures: Figures
    history: Sequence[FoldEpoch]
    seconds: float
    failed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fold as JSON shows it."""
        return {
            "fold": self.number,
            "trained": self.trained,
            "examples": self.figures.examples,
            "metrics": dict(self.figures.metrics),
            "confusion": self.figures.confusion.tolist(),
            "failed": self.failed,
            "history": [{"epoch": each.epoch, "train": each.train} for each in self.history],
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> Fold:
        """What ``to_dict`` gave, in JSON.

        Raises:
            DamagedRecordError: It is something else.
        """
        return parse(_FoldFile, text).fold_read()


@dataclass(frozen=True)
class CrossValidation:
    """All folds.

    Attributes:
        name: What reports call the network.
        data: The data set.
        classes: The names of its classes.
        sealed: How many examples of a test split were not looked at.
        seed: What folds and weights come from.
        random_labels: Whether the labels were dealt out at random, to find a leak.
        folds: Each of them.
    """

    name: str
    data: str
    classes: tuple[str, ...]
    sealed: int
    seed: int
    random_labels: bool
    folds: tuple[Fold, ...]

    def figures(self, metric: str) -> list[float]:
        """A metric of each fold."""
        found = (fold.figures.metrics.get(metric) for fold in self.folds)
        return [float("nan") if figure is None else float(figure) for figure in found]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the folds have, the loss last."""
        return ordered(self.folds[0].figures.metrics)

    @property
    def examples(self) -> int:
        """How many examples were judged, each once."""
        return sum(fold.figures.examples for fold in self.folds)

    @property
    def confusion(self) -> NDArray[Any]:
        """The predictions of all folds, each example once."""
        total: NDArray[Any] = np.sum([fold.figures.confusion for fold in self.folds], axis=0)
        return total

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes that the predictions are counted by, numbers where none is."""
        count = len(self.confusion)
        return (*self.classes, *map(str, range(len(self.classes), count)))[:count]

    @property
    def of_pixels(self) -> bool:
        """Whether the predictions are those of pixels."""
        return "mean_iou" in self.metrics

    @property
    def overlap(self) -> float:
        """Test examples for each training example of a fold."""
        held = np.mean([fold.figures.examples for fold in self.folds])
        return float(held / np.mean([fold.trained for fold in self.folds]))

    def to_dict(self) -> dict[str, Any]:
        """The whole as JSON shows it; every key is always there."""
        spread = {metric: mean_and_deviation(self.figures(metric)) for metric in self.metrics}
        return {
            "format": FORMAT,
            "kind": "cross-validation",
            "name": self.name,
            "data": self.data,
            "classes": list(self.classes),
            "seed": self.seed,
            "random_labels": self.random_labels,
            "sealed": self.sealed,
            "examples": self.examples,
            "mean": {metric: mean for metric, (mean, _) in spread.items()},
            "deviation": {metric: deviation for metric, (_, deviation) in spread.items()},
            "confusion": self.confusion.tolist(),
            "folds": [fold.to_dict() for fold in self.folds],
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> CrossValidation:
        """What ``to_dict`` gave, in JSON.

        Raises:
            DamagedRecordError: It is something else.
        """
        file = parse(_File, text)
        return cls(
            name=file.name,
            data=file.data,
            classes=file.classes,
            sealed=file.sealed,
            seed=file.seed,
            random_labels=file.random_labels,
            folds=tuple(each.fold_read() for each in file.folds),
        )


@dataclass(frozen=True)
class _FoldFile:
    """A fold as JSON has it; the names are its keys."""

    fold: int
    trained: int
    examples: int
    metrics: Metrics
    confusion: _Counts
    failed: int | None
    history: tuple[FoldEpoch, ...]
    seconds: float

    def fold_read(self) -> Fold:
        try:
            figures = Figures(self.examples, self.metrics, np.array(self.confusion))
        except ValueError:
            raise DamagedRecordError("`confusion`: its rows have not one length") from None
        return Fold(self.fold, self.trained, figures, self.history, self.seconds, self.failed)


@dataclass(frozen=True)
class _File:
    """A cross-validation as JSON has it; what follows from the folds is not read."""

    name: str
    data: str
    classes: tuple[str, ...]
    seed: int
    random_labels: bool
    sealed: int
    folds: Annotated[tuple[_FoldFile, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Cut:
    """Which example is in which fold, as ``folds.json`` keeps it beside the splits.

    Attributes:
        data: The data set.
        random_labels: Whether the labels were dealt out at random.
        examples: The indices of the open examples.
        fold: The fold of each.
        splits: What a run notes of its splits; not read again.
        init: The hash of the weights that each fold begins with, None where these are drawn.
    """

    data: str
    random_labels: bool
    examples: Sequence[int]
    fold: Sequence[int]
    splits: Mapping[str, Any] = field(default_factory=dict)
    init: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The cut as JSON takes it."""
        return {
            "format": FORMAT,
            "data": self.data,
            "random_labels": self.random_labels,
            **self.splits,
            "folds": max(self.fold) + 1,
            "examples": self.examples,
            "fold": self.fold,
            **({} if self.init is None else {"init": self.init}),
        }
