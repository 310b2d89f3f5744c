"""The figures of an epoch or a split, from sums over its examples: a function for each metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError, did_you_mean
from cnnkit.tasks.metric import METRICS, class_of, of_output
from cnnkit.tasks.task import Task
from cnnkit.training.compute import agreement, metrics
from cnnkit.training.compute.boundary import Borders
from cnnkit.training.compute.calibration import calibration_error as apart
from cnnkit.training.compute.ranking import Answers, precision_area, roc_area
from cnnkit.training.compute.state import MetricSums


@dataclass(frozen=True)
class Counted:
    """Sums over examples, on the host.

    Attributes:
        totals: As the device added them up.
    """

    totals: MetricSums

    @property
    def examples(self) -> int:
        """How many were counted."""
        return int(self.totals.examples)

    @cached_property
    def counts(self) -> NDArray[Any]:
        """``[K, K]`` of classes and pixels, ``[K, 2, 2]`` of labels, ``[2]`` of values."""
        return metrics.matrix_of(np.asarray(self.totals.confusion))

    @property
    def task(self) -> Task:
        """What the targets are; of a single output the counts are those of two classes."""
        counts = np.asarray(self.totals.confusion)
        if metrics.of_pixels(counts):
            return "segmentation"
        if counts.shape == (4,):
            return "images"
        if counts.shape[0] == 1:
            return "triplets"
        kinds: dict[int, Task] = {1: "values", 2: "classes", 3: "labels"}
        return kinds[counts.ndim]

    @cached_property
    def summary(self) -> metrics.ClassificationReport:
        """The metrics of classes."""
        return metrics.summarize(self.counts)

    @cached_property
    def pixels(self) -> metrics.PixelSummary:
        """The metrics of pixels."""
        return metrics.summarize_pixels(self.counts)

    def mean(self, place: int) -> float:
        """The mean over the examples of one of the sums of values."""
        return float(self.counts[place]) / max(self.examples, 1)

    @cached_property
    def errors(self) -> metrics.RegressionSummary:
        """The metrics of values."""
        return metrics.summarize_regression(self.counts, self.examples)


@dataclass(frozen=True)
class Figures:
    """What a network made of some examples.

    Attributes:
        examples: How many they were.
        metrics: ``loss``, and what the targets have, such as ``accuracy``; None for what is no
            number.
        confusion: Counts as ``metrics.update`` adds them up: of classes ``[K, K]``, true ones
            down and predicted ones across; empty where there are several outputs.
    """

    examples: int
    metrics: Mapping[str, float | None]
    confusion: NDArray[Any]


Asked = TypeVar("Asked", Answers, Borders)
_FUNCTIONS: dict[str, Callable[[Counted], float]] = {}
_OF_SCORES: dict[str, Callable[[Any], float]] = {}


def _metric(function: Callable[[Counted], float]) -> Callable[[Counted], float]:
    """The function of the metric that has its name in the table."""
    _FUNCTIONS[function.__name__] = function
    return function


def _of_scores(function: Callable[[Asked], float]) -> Callable[[Asked], float]:
    """The function of a metric that takes all answers of a split."""
    _OF_SCORES[function.__name__] = function
    return function


@_metric
def loss(counted: Counted) -> float:
    """The mean loss."""
    return float(counted.totals.whole_loss) / max(counted.examples, 1)


@_metric
def accuracy(counted: Counted) -> float:
    """The part of the predictions that are right; of triplets, of those in order."""
    if counted.task == "triplets":
        return int(counted.counts[0, 0]) / max(counted.examples, 1)
    return counted.summary.accuracy


@_metric
def balanced_accuracy(counted: Counted) -> float:
    """The mean recall of the classes."""
    return counted.summary.balanced_accuracy


@_metric
def macro_f1(counted: Counted) -> float:
    """The mean F1 of the classes."""
    return counted.summary.macro_f1


@_metric
def weighted_f1(counted: Counted) -> float:
    """The mean F1 of the classes, each weighted by its examples."""
    return counted.summary.averages["weighted"].f1


@_metric
def matthews(counted: Counted) -> float:
    """The Matthews correlation of true and predicted classes."""
    return agreement.matthews(counted.counts)


@_metric
def kappa(counted: Counted) -> float:
    """Cohen's kappa of true and predicted classes."""
    return agreement.kappa(counted.counts)


@_metric
def top5(counted: Counted) -> float:
    """The part of the examples whose class is among the five best."""
    return int(counted.totals.top5) / max(counted.examples, 1)


@_metric
def mean_squared_error(counted: Counted) -> float:
    """The mean of squared errors."""
    return counted.errors.mean_squared_error


@_metric
def mean_absolute_error(counted: Counted) -> float:
    """The mean of absolute errors."""
    return counted.errors.mean_absolute_error


@_metric
def mean_iou(counted: Counted) -> float:
    """The mean over the classes of |A∩B| / |A∪B|."""
    return counted.pixels.mean_iou


@_metric
def mean_dice(counted: Counted) -> float:
    """The mean over the classes of 2·|A∩B| / (|A| + |B|)."""
    return counted.pixels.mean_dice


@_metric
def pixel_accuracy(counted: Counted) -> float:
    """The part of the pixels that are right."""
    return counted.pixels.pixel_accuracy


@_metric
def psnr(counted: Counted) -> float:
    """The mean peak signal-to-noise ratio of the images, in dB."""
    return counted.mean(2)


@_metric
def ssim(counted: Counted) -> float:
    """The mean structural similarity of the images."""
    return counted.mean(3)


@_of_scores
def roc_auc(answers: Answers) -> float:
    """The area below the ROC curve; of classes the mean over each against the rest."""
    return answers.mean(roc_area)


@_of_scores
def average_precision(answers: Answers) -> float:
    """The area below the precision-recall curve; of classes the mean over them."""
    return answers.mean(precision_area)


@_of_scores
def calibration_error(answers: Answers) -> float:
    """How far the confidence and the accuracy of answers are apart."""
    return apart(answers)


@_of_scores
def boundary_f1(borders: Borders) -> float:
    """How well the borders between classes are met, the mean over the classes."""
    return borders.mean_f1


def figures_of_scores(answers: Answers | Borders) -> dict[str, float | None]:
    """The metrics that take all answers of a split; None for what is no number."""
    found = {
        name: function(answers)
        for name, function in _OF_SCORES.items()
        if answers.task in METRICS[name].tasks
    }
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def figures(totals: MetricSums, recalls: Mapping[str, int] = {}) -> dict[str, float | None]:
    """The metrics that the targets have; None for what is no number.

    Args:
        totals: Sums, on the host.
        recalls: The recalls that are wanted of single classes: the metric, and the class's index.
    """
    if totals.outputs:
        return {
            **{
                of_output(output, name): value
                for output, each in totals.outputs.items()
                for name, value in figures(each, _of(output, recalls)).items()
            },
            "loss": _finite(loss(Counted(totals))),
        }
    counted = Counted(totals)
    outputs = len(counted.counts)
    found = {
        name: function(counted)
        for name, function in _FUNCTIONS.items()
        if counted.task in METRICS[name].tasks and outputs >= METRICS[name].fewest
    }
    whole = {name: _finite(value) for name, value in found.items()}
    return {**whole, **class_recalls(counted.counts, recalls)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _of(output: str, recalls: Mapping[str, int]) -> dict[str, int]:
    """The recalls of one output, by the names that they have there."""
    start = of_output(output, "")
    return {
        name.removeprefix(start): index for name, index in recalls.items() if name.startswith(start)
    }


def of_totals(totals: MetricSums, recalls: Mapping[str, int] = {}) -> Figures:
    """The figures of sums over examples, which are on the host; arguments as of ``figures``."""
    counts = np.zeros(0) if totals.outputs else metrics.matrix_of(np.asarray(totals.confusion))
    return Figures(int(totals.examples), figures(totals, recalls), counts)


def class_recalls(counts: NDArray[Any], recalls: Mapping[str, int]) -> dict[str, float | None]:
    """The recalls of single classes, from the counts of classes or of labels."""
    if not recalls:
        return {}
    each = metrics.summarize(counts).classes
    return {name: each[index].recall for name, index in recalls.items()}


def recalls_of(names: Iterable[str], classes: Sequence[str], outputs: int) -> dict[str, int]:
    """Of some metrics those that are the recall of one class, with that class's index.

    Args:
        names: The metrics.
        classes: The names of the classes; where there are none, a class is called by its index.
        outputs: How many classes there are.

    Raises:
        DataError: There is no such class.
    """
    known = list(classes) or [str(index) for index in range(outputs)]
    found = {}
    for name in names:
        wanted = class_of(name)
        if wanted is None:
            continue
        if wanted not in known:
            near = did_you_mean(wanted, known)
            advice = f"did you mean `{near}`?" if near else f"there are {', '.join(known[:10])}"
            raise DataError(f"`{name}`: there is no class `{wanted}`; {advice}")
        found[name] = known.index(wanted)
    return found
