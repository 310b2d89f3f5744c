"""The losses of `train:`. All are computed from scores, so that no logarithm of 0 is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, NamedTuple

from pydantic import Field

from cnnkit.layers.field import Flag
from cnnkit.spec.model.training.part import (
    Fraction,
    NotNegative,
    Part,
    Positive,
    Variant,
    by_name,
    given,
)
from cnnkit.tasks.task import OF_MAPS, OF_NUMBERS, Task


class Loss(Part):
    """What training lowers.

    Attributes:
        tasks: What the targets may be.
        compares: How many outputs it reads together; 1 where each has a loss of its own.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("classes", "binary", "labels", "segmentation")
    compares: ClassVar[int] = 1
    beside: ClassVar = {
        "label_smoothing": "label_smoothing",
        "class_weights": "class_weights",
        "class_weight": "class_weights",
        "weight": "class_weights",
    }

    @property
    def of_classes(self) -> bool:
        """Whether the targets are classes, one right or each a yes or no; else numbers."""
        return {*OF_NUMBERS, "triplets"}.isdisjoint(self.tasks)

    @property
    def of_maps(self) -> bool:
        """Whether it is of the pixels of maps alone."""
        return set(OF_MAPS).issuperset(self.tasks)

    @property
    def terms(self) -> tuple[Term, ...]:
        """What it is the sum of: itself, where it is no sum."""
        return (Term(self, 1.0),)

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.kind


class Term(NamedTuple):
    """A loss in a sum, and the factor that it has there."""

    loss: Loss
    weight: float


class CategoricalCrossEntropy(Loss):
    """The surprise at the right class, where one class is right."""

    kind = "categorical_cross_entropy"
    tasks = ("classes", "segmentation")


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


class OfPixels(Loss):
    """What compares the region of a class with the one that is predicted, in each example.

    Behind a softmax it is the mean over the classes, of a single output that of the yes.
    """

    tasks = ("segmentation",)


class Dice(OfPixels):
    """1 − 2·|A∩B| / (|A| + |B|), of the pixels of a class and its probabilities.

    Of classes it is the mean over all of them (Milletari et al., 2016).
    """

    kind = "dice"

    smooth: NotNegative = Field(
        1.0, description="what is added above and below, so that a class that is nowhere is right"
    )


class Tversky(OfPixels):
    """Dice in which false alarms and misses weigh as one says (Salehi et al., 2017)."""

    kind = "tversky"

    alpha: NotNegative = Field(0.3, description="the weight of false alarms; 0.5 is that of dice")
    beta: NotNegative = Field(0.7, description="the weight of misses; 0.5 is that of dice")
    smooth: NotNegative = Field(
        1.0, description="what is added above and below, so that a class that is nowhere is right"
    )


class LovaszSoftmax(OfPixels):
    """The extension of 1 − IoU to probabilities, over the classes that an example has.

    Source: Berman, Rannen Triki and Blaschko, 2018.
    """

    kind = "lovasz_softmax"


class MeanSquaredError(Loss):
    """The mean over the outputs of the squared differences from the targets."""

    kind = "mean_squared_error"
    tasks = ("values", "images")


class MeanAbsoluteError(Loss):
    """The mean over the outputs of the absolute differences from the targets."""

    kind = "mean_absolute_error"
    tasks = ("values", "images")


class Huber(Loss):
    """Squared for small differences, absolute for large ones (Huber, 1964)."""

    kind = "huber"
    tasks = ("values", "images")

    delta: Positive = Field(1.0, description="the difference from which on it is absolute")


class Ssim(Loss):
    """1 − SSIM, of images whose values are from 0 to 1 (Wang et al., 2004)."""

    kind = "ssim"
    tasks = ("images",)


class Sum(Loss):
    """A weighted sum of losses: `[{dice: 1}, {categorical_cross_entropy: 0.5}]`."""

    kind = "sum"

    parts: tuple[tuple[Loss, float], ...] = Field(description="the losses and their factors")

    @property
    def tasks(self) -> tuple[Task, ...]:  # type: ignore[override]
        """What the targets of all of its losses may be."""
        first, *others = (loss.tasks for loss, _ in self.parts)
        return tuple(task for task in first if all(task in each for each in others))

    @property
    def terms(self) -> tuple[Term, ...]:
        """Its losses and their factors."""
        return tuple(Term(*part) for part in self.parts)

    @property
    def title(self) -> str:
        """Its losses, as messages call them."""
        return " + ".join(loss.title for loss, _ in self.parts)

    def written(self) -> Any:
        """The list of its losses, as a spec says it."""
        return [_written(*part) for part in self.parts]


class Contrastive(Loss):
    """Of two outputs: draws those of a pair of one kind together and pushes others apart.

    Its target says of each pair whether it is of one kind, 1, or not, 0. With D the Euclidean
    distance of the two outputs it is ½·D² of a pair of one kind, and ½·max(0, margin − D)² of
    another (Hadsell, Chopra and LeCun, 2006, whose Y is 1 of pairs that differ). A distance below
    half of the margin says that a pair is of one kind.
    """

    kind = "contrastive"
    tasks = ("pairs",)
    compares = 2

    margin: Positive = Field(1.0, description="the distance beyond which nothing pushes apart")


class Triplet(Loss):
    """Of three outputs, an anchor, one of its kind and one of another: max(0, D⁺ − D⁻ + margin).

    D⁺ is the distance from the anchor to the second output and D⁻ that to the third: the Euclidean
    one, as of PyTorch's TripletMarginLoss, or its square (Schroff, Kalenichenko and Philbin, 2015).
    It takes no targets.
    """

    kind = "triplet"
    tasks = ("triplets",)
    compares = 3

    margin: Positive = Field(1.0, description="by how much the third is to be farther away")
    squared: Flag = Field(False, description="whether distances are squared")


TOGETHER: Final = "loss"
"""The metric that several outputs have together; all others are of one of them."""


class ByOutput(Loss):
    """A loss for each output, by its name; what is lowered is their weighted sum."""

    kind = "by_output"
    tasks = ()

    each: Mapping[str, Loss]

    @property
    def of_classes(self) -> bool:
        """Whether one of the outputs says classes."""
        return any(loss.of_classes for loss in self.each.values())

    @property
    def of_maps(self) -> bool:
        """Each output has a loss of its own."""
        return False

    @property
    def title(self) -> str:
        """The losses of the outputs, as messages call them."""
        return ", ".join(f"{loss.title} of `{name}`" for name, loss in self.each.items())

    def written(self) -> Any:
        """The mapping."""
        return {name: loss.written() for name, loss in self.each.items()}


LOSSES: Final = Variant(
    "loss",
    by_name(
        CategoricalCrossEntropy,
        BinaryCrossEntropy,
        Focal,
        Dice,
        Tversky,
        LovaszSoftmax,
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
        Ssim,
        Contrastive,
        Triplet,
    ),
    "`categorical_cross_entropy`, or by its name with fields, `{focal: {gamma: 2}}`",
    {
        "cross_entropy": "categorical_cross_entropy",
        "crossentropy": "categorical_cross_entropy",
        "sparse_categorical_crossentropy": "categorical_cross_entropy",
        "bce": "binary_cross_entropy",
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "l1": "mean_absolute_error",
        "l2": "mean_squared_error",
        "lovasz": "lovasz_softmax",
        "jaccard": "lovasz_softmax",
    },
)


def _written(loss: Loss, weight: float) -> Any:
    """A loss of a sum as a spec says it."""
    if weight == 1:
        return loss.written()
    fields = given(loss)
    return {loss.kind: {**fields, "weight": weight} if fields else weight}
