"""Whether targets are what a loss and the outputs of a network can be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cnnkit.data.dataset import SHARES_TOLERANCE, Array, Dataset, Examples
from cnnkit.spec.model.training import Loss

_OF_ONE_CLASS, _OF_EACH_OUTPUT = "categorical_cross_entropy", "binary_cross_entropy"
_MOST_LABELS = 1000


def as_values(dataset: Dataset) -> Dataset:
    """The data set with whole numbers as values to predict, float32 ``[N, 1]``, not as classes."""

    def valued(examples: Examples) -> Examples:
        targets = examples.targets
        return replace(examples, targets=targets.astype(np.float32).reshape(len(targets), -1))

    test = None if dataset.test is None else valued(dataset.test)
    return replace(dataset, train=valued(dataset.train), test=test, classes=())


def as_classes(dataset: Dataset, loss: Loss) -> Dataset:
    """The data set with floats that are the numbers of classes as such, int32 ``[N]``.

    NumPy reads and computes in floats where nothing else is asked of it.
    """
    parts = [part.targets for _, part in _parts(dataset)]
    if any(targets.ndim != 2 or targets.shape[1] != 1 for targets in parts):
        return dataset
    values = np.concatenate([targets[:, 0] for targets in parts])
    if not _whole(values) or values.min() < 0 or values.max() > _MOST_LABELS:
        return dataset

    def labelled(examples: Examples) -> Examples:
        return replace(examples, targets=examples.targets[:, 0].astype(np.int32))

    names = tuple(map(str, range(int(values.max()) + 1)))
    classes = dataset.classes or names
    note = (
        f"the targets of {dataset.name} are floats, all of them whole: under `{loss.kind}` they "
        f"are the classes {names[0]} to {names[-1]}"
    )
    test = None if dataset.test is None else labelled(dataset.test)
    return replace(
        dataset,
        train=labelled(dataset.train),
        test=test,
        classes=classes,
        notes=(*dataset.notes, note),
    )


def _whole(values: Array) -> bool:
    return bool(len(values) and np.isfinite(values).all() and (values == np.round(values)).all())


def target_faults(
    dataset: Dataset,
    outputs: int | None,
    loss: Loss | None,
    trained: bool = False,
    *,
    some: bool = False,
) -> list[str]:
    """What is wrong with the targets.

    Args:
        dataset: Whose they are.
        outputs: The scores that the network gives, K; None for any number.
        loss: What compares them; None for any.
        trained: The network has its weights, so that advice is about the data only.
        some: Some of the classes are enough.
    """
    if dataset.train.targets.ndim == 1:
        return _class_faults(dataset, outputs, trained, some)
    faults = [
        fault
        for name, part in _parts(dataset)
        if loss is not None
        and (fault := _loss_fault(f"{dataset.name} ({name})", part.targets, loss))
    ]
    # What the loss cannot compare is no reason to change the network.
    return faults or _width_faults(dataset, outputs, trained)


def _parts(dataset: Dataset) -> Iterator[tuple[str, Examples]]:
    for name, part in (("train", dataset.train), ("test", dataset.test)):
        if part is not None and len(part):
            yield name, part


def _class_faults(dataset: Dataset, outputs: int | None, trained: bool, some: bool) -> list[str]:
    classes = len(dataset.classes)
    faults = [
        fault
        for name, part in _parts(dataset)
        for fault in _label_faults(f"{dataset.name} ({name})", part.targets, dataset.classes, some)
    ]
    if some and not faults:
        return []  # the classes are those of the network
    if not faults and classes < 2:
        return [f"{dataset.name} has {classes} class; to tell classes apart takes 2 at least"]
    if faults and outputs == classes - 1 and _from_one(dataset):
        return faults  # as many scores as labels: it is the labels that are to change
    if sparse := _sparse_fault(dataset):
        return [sparse]
    # A network for two classes may give one score, the odds of the second.
    if outputs is not None and outputs != classes and (outputs, classes) != (1, 2):
        faults.append(
            f"{dataset.name} has {classes} classes, but the network gives {outputs} scores: "
            f"{_advice(classes, trained)}"
        )
    return faults


def _from_one(dataset: Dataset) -> bool:
    """Whether labels count from 1."""
    return all(int(part.targets.min()) == 1 for _, part in _parts(dataset))


def _sparse_fault(dataset: Dataset) -> str | None:
    """Says of whole numbers most of which no example has that they may be no classes."""
    labels = np.concatenate([part.targets for _, part in _parts(dataset)] or [np.zeros(0)])
    seen = np.unique(labels)
    numbered = dataset.classes[-1:] == (str(len(dataset.classes) - 1),)
    if not numbered or not len(seen) or seen[0] < 0 or 2 * len(seen) >= len(dataset.classes):
        return None
    if 0 < 2 * (labels >= len(dataset.classes)).sum() <= len(labels):
        return None  # a few wrong ones among labels, which are named one by one
    return (
        f"{dataset.name} has {len(seen):,} different whole numbers up to {int(seen[-1]):,} as "
        f"targets. Where they are values to predict, take `loss: mean_squared_error` and one "
        f"output; where they are classes, number these from 0, as "
        f"np.unique(targets, return_inverse=True)[1] does"
    )


def _label_faults(where: str, labels: Array, classes: tuple[str, ...], some: bool) -> list[str]:
    wrong = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if wrong.size:
        first = int(wrong[0])
        example = f"{where}: example {first} has label {labels[first]}"
        if labels[first] < 0:
            advice = "number them, as np.unique(targets, return_inverse=True)[1] does"
            return [f"{example}, but labels count from 0: {advice}"]
        return [f"{example}, but those of {len(classes)} classes go from 0 to {len(classes) - 1}"]
    counts = np.bincount(labels, minlength=len(classes))
    missing = [classes[index] for index in np.flatnonzero(counts == 0)]
    if some or not missing:
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
        save = "save classes as whole numbers"
        if targets.shape[1] == 1 and _whole(targets):
            save = "number classes from 0, as np.unique(targets, return_inverse=True)[1] does"
        return (
            f"{where} has values to predict, such as {value:g}, but `{loss.kind}` compares "
            f"classes: take `loss: mean_squared_error`, or {save}"
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
