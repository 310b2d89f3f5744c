"""Whether a data set fits the network that is to learn it: shapes, values, labels, classes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from cnnkit.data.dataset import Array, Dataset, Examples, written
from cnnkit.errors import DataError

_CHUNK = 1024


def fitted(
    dataset: Dataset, input_shape: tuple[int, ...] | None = None, outputs: int | None = None
) -> Dataset:
    """The data set with its inputs in the shape of the network's.

    An input that is a vector takes any example of as many elements, the channels last; an input
    with spatial axes takes rows of as many elements, and examples without the axis of one channel.

    Args:
        dataset: What was read.
        input_shape: The network's ``input:``, ``[*spatial, C]``.
        outputs: The scores that the network gives, K.

    Raises:
        DataError: All that does not fit.
    """
    parts = {"train": dataset.train, "test": dataset.test}
    problems = [
        problem
        for name, part in parts.items()
        if part is not None
        for problem in _faults(f"{dataset.name} ({name})", part)
    ]
    if input_shape is not None:
        problems += _shape_faults(dataset, input_shape)
    problems += _class_faults(dataset, outputs)
    if problems:
        raise DataError(*problems)
    if input_shape is None:
        return dataset
    test = None if dataset.test is None else _shaped(dataset.test, input_shape)
    return replace(dataset, train=_shaped(dataset.train, input_shape), test=test)


def _shaped(examples: Examples, shape: tuple[int, ...]) -> Examples:
    if examples.shape == shape:
        return examples
    inputs = np.asarray(examples.inputs)
    return replace(examples, inputs=inputs.reshape(len(inputs), *shape))


def _faults(where: str, examples: Examples) -> list[str]:
    if not len(examples):
        return [f"{where} has no examples"]
    return [
        f"{where}: {wrong}"
        for what, array in (("input", examples.inputs), ("target", examples.targets))
        if isinstance(array, np.ndarray) and (wrong := _not_finite(what, array))
    ]


def _shape_faults(dataset: Dataset, wanted: tuple[int, ...]) -> list[str]:
    shapes = [dataset.train.shape, *([dataset.test.shape] if dataset.test else [])]
    return [
        f"{dataset.name} has examples of {written(shape)}, but the network's input is "
        f"{written(wanted)}{_advice(shape, wanted)}"
        for shape in dict.fromkeys(shapes)
        if not _reshapable(shape, wanted)
    ]


def _reshapable(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    if shape == wanted or (*shape, 1) == wanted:
        return True
    return (len(shape) == 1 or len(wanted) == 1) and math.prod(shape) == math.prod(wanted)


def _advice(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if len(shape) > 1 and (*shape[1:], shape[0]) == wanted:
        return ": move the channels to the last axis, as in np.moveaxis(inputs, 1, -1)"
    return f": write `input: {written(shape)}`, or prepare the data in that shape"


def _not_finite(what: str, array: Array) -> str | None:
    """Which of some floats is NaN or infinite."""
    if array.dtype.kind != "f":
        return None
    for start in range(0, len(array), _CHUNK):
        finite = np.isfinite(array[start : start + _CHUNK])
        if not finite.all():
            first = start + int(np.argmin(finite.reshape(len(finite), -1).all(1)))
            kind = "NaN" if np.isnan(array[first]).any() else "an infinite value"
            return f"{what} {first} has {kind}; clean the data, as with np.nan_to_num"
    return None


def _class_faults(dataset: Dataset, outputs: int | None) -> list[str]:
    if dataset.train.targets.ndim != 1:
        return _width_faults(dataset, outputs)
    classes = len(dataset.classes)
    faults = [
        fault
        for name, part in (("train", dataset.train), ("test", dataset.test))
        if part is not None and len(part)
        for fault in _label_faults(f"{dataset.name} ({name})", part.targets, dataset.classes)
    ]
    if not faults and classes < 2:
        return [f"{dataset.name} has {classes} class; to tell classes apart takes 2 at least"]
    # A network for two classes may give one score, the odds of the second.
    if outputs is not None and outputs != classes and (outputs, classes) != (1, 2):
        faults.append(
            f"{dataset.name} has {classes} classes, but the network gives {outputs} scores: give "
            f"its last layer {classes} units"
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


def _width_faults(dataset: Dataset, outputs: int | None) -> list[str]:
    width = dataset.train.targets.shape[1]
    if dataset.test is not None and dataset.test.targets.shape[1:] != (width,):
        return [f"{dataset.name}: targets of train and test differ in width"]
    if outputs is not None and outputs != width:
        fault = f"targets of {width} values, but the network gives {outputs} scores"
        return [f"{dataset.name} has {fault}: give its last layer {width} units"]
    return []
