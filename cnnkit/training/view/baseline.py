"""What an answer that looks at no input would reach, and whether a network does better.

- of classes: always the most frequent one; by chance a balanced accuracy of 1/K; and a loss of
  ln K, where all classes are called equally probable;
- of labels: always the more frequent answer of each;
- of pixels: always the most frequent class, whose IoU is then the part of the pixels that it has,
  and that of all others 0;
- of values: always their mean, whose mean squared error is their variance.

Better means: by more than the figure varies with the examples that happen to be in the split; of
the mean IoU, for which no such variation is known, by a point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.presentation.numbers import percent
from cnnkit.spec.model.training import Loss, Train
from cnnkit.spec.model.training.loss import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Focal,
    OfPixels,
    Sum,
)

_DEVIATIONS: Final = 2.5  # that are seldom reached by chance: by one of 160 guessers
_MOST_NAMED: Final = 3
_FEWEST: Final = 5  # examples of a class of which it can be said that they are missed
_MISSED: Final = 0.5
_POINT: Final = 0.01


class ClassRow(NamedTuple):
    """A class of a split: its name, how many examples it has, and which part was found."""

    name: str
    support: int
    recall: float

    @property
    def missed(self) -> int:
        """The examples that were taken for others."""
        return round(self.support * (1 - self.recall))


@dataclass(frozen=True)
class ClassBaseline:
    """How a network does on the classes, or the labels, of a split.

    Attributes:
        figures: All that was measured: ``examples``, ``accuracy``, ``balanced_accuracy``,
            ``majority``, ``confusion`` and ``classes``.
    """

    figures: Mapping[str, Any]

    @property
    def rows(self) -> list[ClassRow]:
        """The classes that occur, the most frequent first."""
        return _occurring(self.figures["classes"])

    @property
    def matrices(self) -> list[NDArray[Any]]:
        """The counts of the classes; of labels those of the yes and no of each."""
        counts = np.asarray(self.figures["confusion"], np.int64)
        return [counts] if counts.ndim == 2 else list(counts)

    @property
    def told_apart(self) -> bool:
        """Whether more than one class occurs: else every answer is as good."""
        return any((counts.sum(1) > 0).sum() > 1 for counts in self.matrices)

    @property
    def chance(self) -> float:
        """The balanced accuracy of an answer that looks at no input."""
        occurring = [int((counts.sum(1) > 0).sum()) for counts in self.matrices]
        return float(np.mean([1 / max(each, 1) for each in occurring]))

    @property
    def imbalanced(self) -> bool:
        """Whether the majority is more than half of the way from chance to all."""
        return bool(self.figures["majority"] >= (1 + self.chance) / 2)

    @property
    def above_majority(self) -> bool:
        """Whether the accuracy is above that of the majority by more than it varies."""
        majority, examples = self.figures["majority"], self.figures["examples"]
        varies = deviation(majority, examples)
        return bool(self.figures["accuracy"] > majority + _DEVIATIONS * varies)

    @property
    def above_chance(self) -> bool:
        """Whether the balanced accuracy is above chance by more than it varies."""
        excess, variance = 0.0, 0.0
        for counts in self.matrices:
            gained, varies = _excess(counts)
            excess += gained / len(self.matrices)
            variance += varies / len(self.matrices) ** 2
        return excess > _DEVIATIONS * math.sqrt(variance)

    @property
    def skilled(self) -> bool:
        """Whether the network does better than an answer that looks at no input."""
        return not self.told_apart or self.above_majority or self.above_chance

    @property
    def missed(self) -> list[ClassRow]:
        """The classes of which more examples are missed than found."""
        return [row for row in self.rows if row.support >= _FEWEST and row.recall < _MISSED]

    def balanced_deviation(self, scale: float = 1.0) -> float:
        """How much the balanced error varies with the examples of a split so much larger."""
        parts = [deviation(row.recall, scale * row.support) for row in self.rows]
        return math.sqrt(sum(part**2 for part in parts)) / max(len(parts), 1)

    def majority_text(self) -> str:
        """The answer that looks at no input, in words."""
        majority = percent(self.figures["majority"], 1)
        if len(self.matrices) > 1:
            return f"each label's more frequent value ({majority})"
        return f"`{self.rows[0].name}` ({majority})"

    def missed_text(self) -> str:
        """The classes that are missed, in words; empty where there are none."""
        missed = self.missed
        named = [f"{row.missed:,} of {row.support:,} {row.name}" for row in missed[:_MOST_NAMED]]
        if len(missed) > _MOST_NAMED:
            named[-1] += f" and most of {len(missed) - _MOST_NAMED} more classes"
        return f"{_listed(named)} missed" if named else ""


@dataclass(frozen=True)
class PixelBaseline:
    """How a network does on the pixels of a split.

    Attributes:
        figures: All that was measured: ``mean_iou``, ``pixels`` and ``classes``.
    """

    figures: Mapping[str, Any]

    @property
    def rows(self) -> list[ClassRow]:
        """The classes that occur, the most frequent first; their support is pixels."""
        return _occurring(self.figures["classes"])

    @property
    def majority(self) -> float:
        """The part of the pixels that are of the most frequent class."""
        return self.rows[0].support / max(self.figures["pixels"], 1) if self.rows else 0.0

    @property
    def skilled(self) -> bool:
        """Whether the mean IoU is above that of always answering the most frequent class."""
        always = self.majority / max(len(self.rows), 1)
        return len(self.rows) < 2 or bool(self.figures["mean_iou"] > always + _POINT)

    def missed_text(self) -> str:
        """The classes of which more pixels are missed than found, in words; empty of none."""
        missed = [row for row in self.rows if row.recall < _MISSED]
        named = [f"{percent(1 - row.recall, 0)} of {row.name}" for row in missed[:_MOST_NAMED]]
        if len(missed) > _MOST_NAMED:
            named[-1] += f" and most of {len(missed) - _MOST_NAMED} more classes"
        return f"of the pixels {_listed(named)} missed" if named else ""


@dataclass(frozen=True)
class RegressionBaseline:
    """How a network does on the values of a split.

    Attributes:
        error: The mean squared error.
        variance: That of the values, the error of always answering their mean.
        examples: How many they are.
    """

    error: float
    variance: float
    examples: int

    @property
    def skilled(self) -> bool:
        """Whether the error is below the variance by more than it varies."""
        return self.error < self.variance * (1 - math.sqrt(2 / max(self.examples, 1)))


def alike_loss(loss: Loss, outputs: int, binary: bool) -> float | None:
    """The loss of calling all classes equally probable; None of a loss of values or regions.

    Args:
        loss: Of the recipe.
        outputs: The outputs of the network, K.
        binary: Whether each output is a yes or no: its probability is then one half.
    """
    if not loss.of_classes or loss.compares > 1:
        return None
    if isinstance(loss, Sum):
        each = [(weight, alike_loss(term, outputs, binary)) for term, weight in loss.terms]
        known = [weight * value for weight, value in each if value is not None]
        return sum(known) if len(known) == len(each) else None
    if isinstance(loss, OfPixels):
        return None
    classes = 2 if binary or outputs == 1 or isinstance(loss, BinaryCrossEntropy) else outputs
    cross_entropy = math.log(classes)
    if isinstance(loss, Focal):
        weight = 0.5 if loss.alpha is not None else 1.0
        return float(weight * (1 - 1 / classes) ** loss.gamma * cross_entropy)
    return cross_entropy


def smoothing_floor(train: Train, classes: int) -> float | None:
    """What a cross-entropy cannot be below under label smoothing: the entropy of its targets.

    None without smoothing, and of other losses.

    Args:
        train: The recipe, with a smoothing of ε: of K classes the right one is asked for with
            1 − ε + ε/K and each other with ε/K; of a yes or no K is 2.
        classes: K.
    """
    smoothing, loss = train.label_smoothing, train.loss
    if isinstance(loss, BinaryCrossEntropy):
        classes = 2
    elif not isinstance(loss, CategoricalCrossEntropy):
        return None
    if not smoothing or classes < 2:
        return None
    other = smoothing / classes
    right = 1 - smoothing + other
    return -right * math.log(right) - (classes - 1) * other * math.log(other)


def deviation(part: float, examples: float) -> float:
    """The standard deviation of a part of so many examples; of none and of all it is not 0.

    By Laplace's rule of succession, (n·p + 1)/(n + 2) in place of p.

    >>> round(deviation(0.1, 100), 3), round(deviation(0.0, 98), 4)
    (0.031, 0.01)
    """
    examples = max(examples, 1.0)
    likely = (part * examples + 1) / (examples + 2)
    return math.sqrt(likely * (1 - likely) / examples)


def _occurring(classes: Sequence[Mapping[str, Any]]) -> list[ClassRow]:
    """The classes that occur, the most frequent first."""
    rows = [
        ClassRow(str(row["name"]), row["support"], row["recall"])
        for row in classes
        if row["support"]
    ]
    return sorted(rows, key=lambda row: -row.support)


def _excess(counts: NDArray[Any]) -> tuple[float, float]:
    """The balanced accuracy above chance, and the variance that it has by chance.

    By chance a class is predicted as often among the examples of each class.
    """
    actual, total = counts.sum(1), int(counts.sum())
    occurring = np.flatnonzero(actual)
    if not len(occurring):
        return 0.0, 1.0
    predicted = counts.sum(0)[occurring]
    recalls = counts[occurring, occurring] / actual[occurring]
    likely = (predicted + 1) / (total + len(counts))
    variance = float((likely * (1 - likely) / actual[occurring]).sum()) / len(occurring) ** 2
    return float(recalls.mean() - predicted.sum() / total / len(occurring)), variance


def _listed(parts: Sequence[str]) -> str:
    *most, last = parts or [""]
    return f"{', '.join(most)} and {last}" if most else last
