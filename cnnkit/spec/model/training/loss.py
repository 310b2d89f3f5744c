"""The losses of `train:`. All are computed from scores, so that no logarithm of 0 is taken."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field

from cnnkit.spec.model.training.part import Fraction, NotNegative, Part, Positive, Variant, by_name
from cnnkit.tasks.metric import CHOOSING, METRICS, metric_of
from cnnkit.tasks.task import Task


class Loss(Part):
    """What training lowers.

    Attributes:
        tasks: What the targets may be.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("classes", "binary", "labels")
    beside: ClassVar = {
        "label_smoothing": "label_smoothing",
        "class_weights": "class_weights",
        "class_weight": "class_weights",
        "weight": "class_weights",
    }

    @property
    def of_classes(self) -> bool:
        """Whether the targets are classes, one right or each a yes or no; else numbers."""
        return "values" not in self.tasks


class CategoricalCrossEntropy(Loss):
    """The surprise at the right class, where one class is right."""

    kind = "categorical_cross_entropy"
    tasks = ("classes",)


class BinaryCrossEntropy(Loss):
    """The surprise at each of the outputs, which are a yes or no of their own."""

    kind = "binary_cross_entropy"


class Focal(Loss):
    """Cross-entropy that weighs down what is already right (Lin et al., 2017).

    Behind a softmax it is that of the right class, behind a sigmoid that of each yes or no.
    """

    kind = "focal"
    field_aliases: ClassVar = {"focusing": "gamma", "focal_gamma": "gamma"}

    gamma: NotNegative = Field(2.0, description="how much what is right is weighed down; 0 not")
    alpha: Fraction | None = Field(
        None, description="the weight of a yes, where a no has 1 − alpha; with a sigmoid only"
    )


class MeanSquaredError(Loss):
    """The mean over the outputs of the squared differences from the targets."""

    kind = "mean_squared_error"
    tasks = ("values",)


class MeanAbsoluteError(Loss):
    """The mean over the outputs of the absolute differences from the targets."""

    kind = "mean_absolute_error"
    tasks = ("values",)


class Huber(Loss):
    """Squared for small differences, absolute for large ones (Huber, 1964)."""

    kind = "huber"
    tasks = ("values",)

    delta: Positive = Field(1.0, description="the difference from which on it is absolute")


LOSSES: Final = Variant(
    "loss",
    by_name(
        CategoricalCrossEntropy,
        BinaryCrossEntropy,
        Focal,
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
    ),
    "`categorical_cross_entropy`, or by its name with fields, `{focal: {gamma: 2}}`",
    {
        "cross_entropy": "categorical_cross_entropy",
        "crossentropy": "categorical_cross_entropy",
        "sparse_categorical_crossentropy": "categorical_cross_entropy",
        "bce": "binary_cross_entropy",
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
    },
)


def choosing(loss: Loss) -> list[str]:
    """The metrics that networks which are trained by a loss may be chosen by."""
    return [name for name in CHOOSING if METRICS[name].of_any(loss.tasks)]


def not_of_task(metric: str, loss: Loss) -> str | None:
    """Why no network that is trained by a loss has a metric; None where one may have it."""
    if metric_of(metric).of_any(loss.tasks):
        return None
    return f"{loss.kind} has no {'values to predict' if loss.of_classes else 'classes'}"
