"""Whether targets are what a loss and the outputs of a network can be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cnnkit.data.dataset import SHARES_TOLERANCE, Array, Dataset, Examples
from cnnkit.spec.model.training import Loss

_OF_ONE_CLASS, _OF_EACH_OUTPUT = "categorical_cross_entropy", "binary_cross_entropy"


def as_values(dataset: Dataset) -> Dataset:
    """The data set with whole numbers as values to predict, float32 ``[N, 1]``, not as classes."""

    def valued(examples: Examples) -> Examples:
        targets = examples.targets
        return replace(examples, targets=targets.astype(np.float32).reshape(len(targets), -1))

    test = None if dataset.test is None else valued(dataset.test)
    return replace(dataset, train=valued(dataset.train), test=test, classes=())


def target_faults(
    dataset: Dataset, outputs: int | None, loss: Loss | None, trained: bool = False
) -> list[str]:
    """What is wrong with the targets.

    Args:
        dataset: Whose they are.
        outputs: The scores that the network gives, K; None for any number.
        loss: What compares them; None for any.
        trained: The network has its weights, so that advice is about the data only.
    """
    if dataset.train.targets.ndim == 1:
        return _class_faults(dataset, outputs, trained)
    faults = _width_faults(dataset, outputs, trained)
    if faults or loss is None:
        return faults
    return [
        fault
        for name, part in _parts(dataset)
        if (fault := _loss_fault(f"{dataset.name} ({name})", part.targets, loss))
    ]


def _parts(dataset: Dataset) -> Iterator[tuple[str, Examples]]:
    for name, part in (("train", dataset.train), ("test", dataset.test)):
        if part is not None and len(part):
            yield name, part


def _class_faults(dataset: Dataset, outputs: int | None, trained: bool) -> list[str]:
    classes = len(dataset.classes)
    faults = [
        fault
        for name, part in _parts(dataset)
        for fault in _label_faults(f"{dataset.name} ({name})", part.targets, dataset.classes)
    ]
    if not faults and classes < 2:
        return [f"{dataset.name} has {classes} class; to tell classes apart takes 2 at least"]
    # A network for two classes may give one score, the odds of the second.
    if outputs is not None and outputs != classes and (outputs, classes) != (1, 2):
        faults.append(
            f"{dataset.name} has {classes} classes, but the network gives {outputs} scores: "
            f"{_advice(classes, trained)}"
        )
    return faults


def _label_faults(where: str, labels: Array, classes: tuple[str, ...]) -> list[str]:
    wrong = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if wrong.size:
        first = int(wrong[0])
        example = f"{where}: example {first} has label {labels[first]}"
        if labels[first] < 0:
            return [f"{example}, but labels count from 0"]
        return [f"{example}, but those of {len(classes)} classes go from 0 to {len(classes) - 1}"]
    counts = np.bincount(labels, minlength=len(classes))
    missing = [classes[index] for index in np.flatnonzero(counts == 0)]
    if not missing:
        return []
    more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
    advice = ": where labels count from 1, subtract 1" if missing == ["0"] else ""
    return [f"{where} has no example of class {', '.join(missing[:5])}{more}{advice}"]


def _width_faults(dataset: Dataset, outputs: int | None, trained: bool) -> list[str]:
    width = dataset.train.targets.shape[1]
    if dataset.test is not None and dataset.test.targets.shape[1:] != (width,):
        return [f"{dataset.name}: targets of train and test differ in width"]
    if outputs is not None and outputs != width:
        fault = f"targets of {width} values, but the network gives {outputs} scores"
        return [f"{dataset.name} has {fault}: {_advice(width, trained)}"]
    return []


def _advice(width: int, trained: bool) -> str:
    if trained:
        return "take data with the targets that the run learnt, all of them"
    return f"give its last layer {width} units"


def _loss_fault(where: str, targets: Array, loss: Loss) -> str | None:
    """What of targets ``[N, K]`` a loss of classes has no meaning for."""
    if not loss.of_classes:
        return None
    outside = (targets < 0) | (targets > 1)
    if outside.any():
        value = targets[outside][0]
        return (
            f"{where} has values to predict, such as {value:g}, but `{loss.kind}` compares "
            f"classes: take `loss: mean_squared_error`, or save classes as whole numbers"
        )
    sums = targets.sum(1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SHARES_TOLERANCE)
    if loss.kind != _OF_ONE_CLASS or not wrong.size:
        return None
    first = int(wrong[0])
    if ((targets == 0) | (targets == 1)).all() and targets.shape[1] > 1:
        return (
            f"{where}: example {first} has {sums[first]:g} labels, but `{loss.kind}` takes one "
            f"each: end the network in `sigmoid` and take `loss: {_OF_EACH_OUTPUT}`"
        )
    return (
        f"{where}: the targets of example {first} are no shares of classes, they sum up to "
        f"{sums[first]:g}: take `loss: mean_squared_error`, or save classes as whole numbers"
    )
