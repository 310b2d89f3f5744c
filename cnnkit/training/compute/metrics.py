"""Metrics, all of them from counts that are added up on the device over every example.

Of classes the counts are one confusion matrix, row the true class and column the predicted one; of
labels that are each a yes or no, one such matrix of 2x2 for each; of a regression, sums of errors.
Of pixels the counts are one confusion matrix too, of two words so that it has no end.
A mean of the means of batches would be wrong where the last batch is smaller: there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from cnnkit.spec.model.training import Train
from cnnkit.training.compute.agreement import wilson
from cnnkit.training.compute.loss import dense
from cnnkit.training.compute.maps import counted
from cnnkit.training.compute.similarity import psnr, ssim

TOP: Final = 5


def empty(train: Train, outputs: int, *, multi_label: bool = False) -> Array:
    """The counts of no examples.

    Args:
        train: The recipe, whose loss says whether there are classes.
        outputs: The outputs of the network, K.
        multi_label: Whether each output is a yes or no of its own: targets are ``[N, K]``.

    Returns:
        int32 ``[K, K]`` of classes, ``[2, 2]`` of a single output; ``[K, 2, 2]`` of labels;
        float32 ``[2]`` of a regression, the sums of squared and absolute errors; ``[4]`` of images,
        those of PSNR and SSIM too; uint32 ``[2, K, K]`` of pixels, counts modulo 2³² and how often
        that was full; ``[1, 2]`` of triplets, of those that are right and of those that are not.
    """
    if "triplets" in train.loss.tasks:
        return jnp.zeros((1, 2), jnp.int32)
    if not train.loss.of_classes:
        return jnp.zeros((4 if train.of_maps else 2,), jnp.float32)
    if train.of_maps:
        return jnp.zeros((2, max(outputs, 2), max(outputs, 2)), jnp.uint32)
    if multi_label:
        return jnp.zeros((outputs, 2, 2), jnp.int32)
    classes = max(outputs, 2)
    return jnp.zeros((classes, classes), jnp.int32)


def update(counts: Array, scores: Array, targets: Array, mask: Array) -> Array:
    """The counts with a batch added.

    Args:
        counts: As ``empty`` makes them.
        scores: ``[N, K]``: those before a last softmax or sigmoid; of a regression what comes out.
            Of maps ``[N, *spatial, K]``.
        targets: Classes, int32 ``[N]``, or their probabilities ``[N, K]``; yes and no ``[N, K]``;
            numbers ``[N, K]``. Of maps ``[N, *spatial]`` and ``[N, *spatial, K]``.
        mask: bool ``[N]``, which of the examples count; the others fill the batch up.
    """
    if counts.shape == (4,):
        return counts + _of_images(scores, targets, mask)
    if counts.dtype == jnp.uint32:
        return _of_pixels(counts, scores, targets, mask)
    if counts.ndim == 1:
        return counts + _errors(scores, targets, mask)
    if counts.ndim == 3:
        true, predicted = targets > 0.5, scores > 0
        labels = jnp.arange(counts.shape[0])[None, :]
        added = jnp.broadcast_to(mask[:, None], true.shape).astype(jnp.int32)
        return counts.at[labels, true.astype(jnp.int32), predicted.astype(jnp.int32)].add(added)
    if counts.shape[0] == 1:
        return counts.at[0, 1 - predictions(scores)].add(mask.astype(jnp.int32))
    true = classes_of(targets, scores.shape[-1])
    predicted = predictions(scores)
    return counts.at[true, predicted].add(mask.astype(jnp.int32))


def _of_pixels(counts: Array, scores: Array, targets: Array, mask: Array) -> Array:
    """The words with the pixels of a batch added; where the low word is full one goes on."""
    there = mask.reshape(-1, *(1,) * (targets.ndim - 1)) & counted(targets)
    low, high = counts
    true = jnp.where(there, targets.astype(jnp.int32), 0)
    after = low.at[true, predictions(scores)].add(there.astype(jnp.uint32))
    return jnp.stack([after, high + (after < low).astype(jnp.uint32)])


def _of_images(scores: Array, targets: Array, mask: Array) -> Array:
    error = scores - targets
    axes = tuple(range(1, error.ndim))
    of_each = (
        jnp.square(error).mean(axis=axes),
        jnp.abs(error).mean(axis=axes),
        psnr(scores, targets),
        ssim(scores, targets),
    )
    return jnp.stack([jnp.where(mask, each, 0).sum() for each in of_each])


def of_pixels(counts: NDArray[Any]) -> bool:
    """Whether counts, on the host, are those of pixels, as ``empty`` makes them."""
    return counts.dtype == np.uint32


def matrix_of(counts: NDArray[Any]) -> NDArray[Any]:
    """Counts on the host as integers without end: of pixels int64 ``[K, K]``."""
    if not of_pixels(counts):
        return counts
    low, high = counts.astype(np.int64)
    whole: NDArray[Any] = low + (high << 32)
    return whole


def predictions(scores: Array) -> Array:
    """The class that scores ``[N, K]`` are largest at; of a single output, whether it is yes.

    Of maps ``[N, *spatial, K]`` that of each pixel.
    """
    if scores.shape[-1] == 1:
        return (scores[..., 0] > 0).astype(jnp.int32)
    return scores.argmax(axis=-1).astype(jnp.int32)


def classes_of(targets: Array, outputs: int) -> Array:
    """Targets as classes, int32 ``[N]``: of probabilities the most probable one."""
    if targets.ndim == 1:
        return targets.astype(jnp.int32)
    if outputs == 1:
        return (targets[:, 0] > 0.5).astype(jnp.int32)
    return targets.argmax(axis=-1).astype(jnp.int32)


def among_best(scores: Array, targets: Array, count: int = TOP) -> Array:
    """Whether the class of an example is among those of its largest scores, bool ``[N]``.

    Of equal scores the first counts as the larger one, as it does in a prediction.
    """
    classes = classes_of(targets, scores.shape[-1])
    if scores.shape[-1] == 1:
        return jnp.ones(classes.shape, bool)
    own = jnp.take_along_axis(scores, classes[:, None], axis=-1)
    before = jnp.arange(scores.shape[-1])[None, :] < classes[:, None]
    return ((scores > own) | ((scores == own) & before)).sum(axis=-1) < count


def _errors(scores: Array, targets: Array, mask: Array) -> Array:
    wanted = dense(targets, scores.shape[-1])
    error = jnp.where(mask[:, None], scores - wanted, 0)
    return jnp.stack([jnp.square(error).mean(axis=-1).sum(), jnp.abs(error).mean(axis=-1).sum()])


@dataclass(frozen=True)
class ClassMetrics:
    """Precision, recall and F1 of one class or label.

    Attributes:
        precision: Of those predicted so, the part that is.
        recall: Of those that are so, the part predicted.
        f1: The harmonic mean of both.
        support: How many are so.
    """

    precision: float
    recall: float
    f1: float
    support: int


class Average(NamedTuple):
    """Precision, recall and F1 over all classes or labels."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassificationReport:
    """The metrics of classes.

    Attributes:
        examples: How many were counted.
        accuracy: The part of the predictions that are right; of labels, over all of them.
        balanced_accuracy: The mean recall of the classes that occur: what is left of the accuracy
            where a class that is most of the examples is not most of the figure. Of labels, the
            mean over them of that of their yes and no.
        majority: The accuracy of always answering the most frequent class.
        precision: The mean over the classes, each counted once.
        recall: The mean over the classes.
        macro_f1: The mean F1 over the classes.
        classes: The metrics of each class, in order.
        averages: Over the classes: ``micro`` of all answers together, ``macro`` each class counted
            once, ``weighted`` each as often as it has examples.
        interval: Between which the accuracy lies with 95 % certainty, by the choice of the
            examples; None of labels, which are not independent of each other.
        confusion: Row the true class, column the predicted one; ``[K, 2, 2]`` of labels.
        top5: The part of the examples whose class is among the five largest scores, if counted.
    """

    examples: int
    accuracy: float
    balanced_accuracy: float
    majority: float
    precision: float
    recall: float
    macro_f1: float
    classes: tuple[ClassMetrics, ...]
    averages: Mapping[str, Average]
    interval: tuple[float, float] | None
    confusion: tuple[Any, ...]
    top5: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The metrics as JSON takes them; those of the classes are a list of mappings.

        ``f1`` is ``macro_f1`` by the name that files had for it first.
        """
        plain = asdict(self)
        interval = plain.pop("interval")
        return {
            **plain,
            "averages": {name: mean._asdict() for name, mean in self.averages.items()},
            "accuracy_interval": interval and list(interval),
            "f1": self.macro_f1,
            "classes": list(plain["classes"]),
            "confusion": list(self.confusion),
        }


@dataclass(frozen=True)
class PixelSummary:
    """The metrics of pixels.

    Attributes:
        pixels: How many were counted.
        pixel_accuracy: The part of them that are right.
        mean_iou: The mean over the classes that occur or are predicted.
        mean_dice: The mean over these.
        iou: Of each class |A∩B| / |A∪B|; NaN of one that neither occurs nor is predicted.
        dice: Of each class 2·|A∩B| / (|A| + |B|).
        classes: Precision and recall of each class.
        confusion: Row the true class, column the predicted one.
    """

    pixels: int
    pixel_accuracy: float
    mean_iou: float
    mean_dice: float
    iou: tuple[float, ...]
    dice: tuple[float, ...]
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[Any, ...]

    def to_dict(self) -> dict[str, Any]:
        """The metrics as JSON takes them; those of the classes are a list of mappings."""
        rows = zip(self.iou, self.dice, self.classes, strict=True)
        return {
            "pixels": self.pixels,
            "pixel_accuracy": self.pixel_accuracy,
            "mean_iou": self.mean_iou,
            "mean_dice": self.mean_dice,
            "classes": [
                {
                    "iou": None if math.isnan(iou) else iou,
                    "dice": None if math.isnan(dice) else dice,
                    "precision": each.precision,
                    "recall": each.recall,
                    "support": each.support,
                }
                for iou, dice, each in rows
            ],
            "confusion": list(self.confusion),
        }


@dataclass(frozen=True)
class RegressionSummary:
    """The metrics of a regression: means over all examples and outputs.

    Attributes:
        examples: How many were counted.
        mean_squared_error: The mean of squared errors.
        mean_absolute_error: The mean of absolute errors.
    """

    examples: int
    mean_squared_error: float
    mean_absolute_error: float

    def to_dict(self) -> dict[str, Any]:
        """The metrics as JSON takes them."""
        return asdict(self)


def summarize(counts: NDArray[Any], top5: int | None = None) -> ClassificationReport:
    """The metrics that follow from a confusion matrix.

    Where a class is never predicted its precision is 0, where it never occurs its recall is, and
    where both it is not part of the means, as with scikit-learn's ``zero_division=0``.

    Args:
        counts: ``[K, K]`` or ``[K, 2, 2]``, as ``update`` makes them.
        top5: How many examples had their class among the five largest scores.
    """
    counts = np.asarray(counts).astype(np.int64)
    if counts.ndim == 3:
        right = counts[:, 1, 1]
        actual, predicted = counts[:, 1, :].sum(axis=1), counts[:, :, 1].sum(axis=1)
        examples = int(counts[0].sum())
        balanced = _mean([_mean(_recalls(each)) for each in counts])
        accuracy = _ratio(int(counts[:, 1, 1].sum() + counts[:, 0, 0].sum()), int(counts.sum()))
        majority = _ratio(int(counts.sum(axis=2).max(axis=1).sum()), int(counts.sum()))
    else:
        right = counts.diagonal()
        actual, predicted = counts.sum(axis=1), counts.sum(axis=0)
        examples = int(counts.sum())
        balanced = _mean(_recalls(counts))
        accuracy = _ratio(int(right.sum()), examples)
        majority = _ratio(int(actual.max()), examples)
    classes = tuple(map(_class_metrics, right.tolist(), actual.tolist(), predicted.tolist()))
    mean = _averages(classes, right.tolist(), actual.tolist(), predicted.tolist())
    return ClassificationReport(
        examples=examples,
        accuracy=accuracy,
        balanced_accuracy=balanced,
        majority=majority,
        precision=mean["macro"].precision,
        recall=mean["macro"].recall,
        macro_f1=mean["macro"].f1,
        classes=classes,
        averages=mean,
        interval=None if counts.ndim == 3 else wilson(int(right.sum()), examples),
        confusion=tuple(counts.tolist()),
        top5=None if top5 is None else _ratio(int(top5), examples),
    )


def summarize_pixels(counts: NDArray[Any]) -> PixelSummary:
    """The metrics that follow from the confusion matrix of pixels, int64 ``[K, K]``."""
    counts = np.asarray(counts).astype(np.int64)
    right, actual, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    union = actual + predicted - right
    there = union > 0
    with np.errstate(invalid="ignore"):
        iou, dice = right / union, 2 * right / (actual + predicted)
    pixels = int(counts.sum())
    return PixelSummary(
        pixels=pixels,
        pixel_accuracy=_ratio(int(right.sum()), pixels),
        mean_iou=_mean(iou[there].tolist()),
        mean_dice=_mean(dice[there].tolist()),
        iou=tuple(iou.tolist()),
        dice=tuple(dice.tolist()),
        classes=tuple(map(_class_metrics, right.tolist(), actual.tolist(), predicted.tolist())),
        confusion=tuple(counts.tolist()),
    )


def summarize_regression(sums: NDArray[Any], examples: int) -> RegressionSummary:
    """The metrics that follow from the sums of errors of so many examples."""
    squared, absolute = (float(each) / max(examples, 1) for each in sums[:2])
    return RegressionSummary(examples, squared, absolute)


def _class_metrics(right: int, actual: int, predicted: int) -> ClassMetrics:
    return ClassMetrics(
        precision=_ratio(right, predicted),
        recall=_ratio(right, actual),
        f1=_ratio(2 * right, actual + predicted),
        support=actual,
    )


def _averages(
    classes: Sequence[ClassMetrics],
    right: Sequence[int],
    actual: Sequence[int],
    predicted: Sequence[int],
) -> dict[str, Average]:
    """The means over the classes that occur or are predicted."""
    each = [
        Average(one.precision, one.recall, one.f1)
        for one, p in zip(classes, predicted, strict=True)
        if one.support or p
    ]
    shares = [one.support for one, p in zip(classes, predicted, strict=True) if one.support or p]
    hits, true, said = sum(right), sum(actual), sum(predicted)
    return {
        "micro": Average(_ratio(hits, said), _ratio(hits, true), _ratio(2 * hits, true + said)),
        "macro": Average(*(_mean([one[at] for one in each]) for at in range(3))),
        "weighted": Average(
            *(
                _ratio(sum(n * one[at] for n, one in zip(shares, each, strict=True)), true)
                for at in range(3)
            )
        ),
    }


def _recalls(counts: NDArray[Any]) -> list[float]:
    """The recall of each class that occurs."""
    actual = counts.sum(axis=1)
    return [
        _ratio(int(counts[index, index]), int(actual[index])) for index in np.flatnonzero(actual)
    ]


def _ratio(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
