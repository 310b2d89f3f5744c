"""The losses of `train:`. All are computed from scores, so that no logarithm of 0 is taken."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field

from cnnkit.spec.model.training.part import Choice, Fraction, NotNegative, Part, Positive, by_name


class Loss(Part):
    """What training lowers.

    Attributes:
        of_classes: Whether the targets are classes, one right or each a yes or no; else numbers.
    """

    of_classes: ClassVar[bool] = True
    beside: ClassVar = {
        "label_smoothing": "label_smoothing",
        "class_weights": "class_weights",
        "class_weight": "class_weights",
        "weight": "class_weights",
    }


class CategoricalCrossEntropy(Loss):
    """The surprise at the right class, where one class is right."""

    kind = "categorical_cross_entropy"


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
    of_classes = False


class MeanAbsoluteError(Loss):
    """The mean over the outputs of the absolute differences from the targets."""

    kind = "mean_absolute_error"
    of_classes = False


class Huber(Loss):
    """Squared for small differences, absolute for large ones (Huber, 1964)."""

    kind = "huber"
    of_classes = False

    delta: Positive = Field(1.0, description="the difference from which on it is absolute")


LOSSES: Final = Choice(
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
