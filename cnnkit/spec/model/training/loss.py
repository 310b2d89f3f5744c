"""The losses of `train:`. All are computed from scores, so that no logarithm of 0 is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from cnnkit.errors import did_you_mean
from cnnkit.layers.field import Flag
from cnnkit.spec.language.faults import Fault, Faults
from cnnkit.spec.model.training.part import Fraction, NotNegative, Part, Positive, Variant, by_name
from cnnkit.tasks.metric import CHOOSING, METRICS, default_metric, metric_of, of_output, split_name
from cnnkit.tasks.task import Task


class Loss(Part):
    """What training lowers.

    Attributes:
        tasks: What the targets may be.
        compares: How many outputs it reads together; 1 where each has a loss of its own.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("classes", "binary", "labels")
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
        return not {"values", "triplets"}.intersection(self.tasks)


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


class ByOutput(Loss):
    """A loss for each output, by its name; what is lowered is their weighted sum."""

    kind = "by_output"
    tasks = ()

    each: Mapping[str, Loss]

    @property
    def of_classes(self) -> bool:
        """Whether one of the outputs says classes."""
        return any(loss.of_classes for loss in self.each.values())

    def written(self) -> Any:
        """The mapping."""
        return {name: loss.written() for name, loss in self.each.items()}


LOSSES: Final = Variant(
    "loss",
    by_name(
        CategoricalCrossEntropy,
        BinaryCrossEntropy,
        Focal,
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
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
    },
)


def read_loss(value: object) -> object:
    """The loss that plain data names: one by its name, or one for each output by the output's.

    Raises:
        Faults: It names none, or a field of one is wrong.
    """
    if not isinstance(value, Mapping) or not _by_output(value):
        return LOSSES.read(value)
    if len(value) == 1:
        raise Faults(
            Fault(
                "wrong-value",
                "`loss` names one output, and a loss that is alone is written without",
                f"write `loss: {next(iter(value.values()))}`",
            )
        )
    each: dict[str, Loss] = {}
    faults: list[Fault] = []
    for name, written in value.items():
        try:
            loss = LOSSES.read(written)
        except Faults as found:
            faults += [fault.below((str(name),)) for fault in found.faults]
            continue
        if not isinstance(loss, Loss):
            continue
        if loss.compares > 1:
            faults.append(
                Fault(
                    "wrong-value",
                    f"`{loss.kind}` compares {loss.compares} outputs, and is given for one",
                    f"write `loss: {loss.kind}` alone",
                    (str(name),),
                )
            )
        each[str(name)] = loss
    if faults:
        raise Faults(*faults)
    return ByOutput.model_construct(each=each)


def _by_output(value: Mapping[Any, object]) -> bool:
    """Whether a mapping is of outputs; one key may be the name of a loss, with its fields."""
    if len(value) != 1:
        return bool(value)
    ((name, inner),) = value.items()
    known = {*LOSSES.kinds, *LOSSES.aliases}
    named = inner in known if isinstance(inner, str) else _names(inner, known)
    return named and name not in known


def _names(value: object, known: set[str]) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in known


def monitored(loss: Loss) -> str:
    """The metric that says which epoch is the best, where nothing else is asked for."""
    return "loss" if isinstance(loss, ByOutput) else default_metric(loss.tasks)


def choosing(loss: Loss) -> list[str]:
    """The metrics that networks which are trained by a loss may be chosen by."""
    if isinstance(loss, ByOutput):
        return [
            *(of_output(name, each) for name, part in loss.each.items() for each in choosing(part)),
            "loss",
        ]
    return [name for name in CHOOSING if METRICS[name].of_any(loss.tasks)]


def not_of_task(metric: str, loss: Loss) -> str | None:
    """Why no network that is trained by a loss has a metric; None where one may have it."""
    if isinstance(loss, ByOutput):
        output, own = split_name(metric)
        if output in loss.each:
            return not_of_task(own, loss.each[output])
        if metric == monitored(loss):
            return None
        near = did_you_mean(metric, choosing(loss))
        return f"each output has its own: {f'did you mean `{near}`?' if near else 'name it first'}"
    if split_name(metric)[0]:
        return "the network has one output, whose metrics have no other name"
    if metric_of(metric).of_any(loss.tasks):
        return None
    if loss.compares > 1:
        return f"{loss.kind} has no such metric"
    return f"{loss.kind} has no {'values to predict' if loss.of_classes else 'classes'}"
