"""Whether a data set fits the network that is to learn it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from cnnkit.data.alignment import aligned
from cnnkit.data.dataset import Array, Dataset, Examples
from cnnkit.data.maps import map_faults, no_maps
from cnnkit.data.records import RecordArray
from cnnkit.data.targets import as_classes, as_values, target_faults
from cnnkit.errors import DataError
from cnnkit.layers.shape import show
from cnnkit.spec.model.training import Loss

_CHUNK = 1024


def fitted(
    dataset: Dataset,
    input_shape: tuple[int, ...] | None = None,
    outputs: int | None = None,
    loss: Loss | None = None,
    *,
    extents: tuple[int, ...] | None = None,
    trained: bool = False,
    classes: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Dataset:
    """The data set with its inputs in the shape of the network's, and targets as its loss has them.

    An input that is a vector takes any example of as many elements, the channels last; an input
    with spatial axes takes rows of as many elements, and examples without the axis of one channel.

    Args:
        dataset: What was read.
        input_shape: The network's ``input:``, ``[*spatial, C]``.
        outputs: The scores that the network gives, K.
        loss: ``train.loss``, of classes or of values.
        extents: The spatial extents of the output, empty of a vector; None for any.
        trained: The network has its weights, so that advice is about the data only.
        classes: The classes of a network that has its weights, of which the data need not have all.
        renamed: What the data call a class of these, where it is not the same.

    Raises:
        DataError: All that does not fit.
    """
    of_maps = dataset.train.of_maps
    if loss is not None and not of_maps and not loss.of_classes and outputs == 1:
        dataset = as_values(dataset)
    if loss is not None and not of_maps and loss.of_classes:
        dataset = as_classes(dataset, loss)
    if classes and not of_maps:
        dataset = aligned(dataset, classes, renamed)
    parts = {"train": dataset.train, "test": dataset.test}
    problems = [
        problem
        for name, part in parts.items()
        if part is not None
        for problem in _faults(f"{dataset.name} ({name})", part)
    ]
    if input_shape is not None:
        problems += _shape_faults(dataset, input_shape, trained)
    if of_maps and renamed:
        problems.append(f"{dataset.name} has masks, whose classes `--classes` does not name")
    if of_maps:
        problems += map_faults(dataset, extents, outputs, loss)
    elif extents:
        problems.append(no_maps(dataset, extents))
    else:
        problems += target_faults(dataset, outputs, loss, trained, some=bool(classes))
    if problems:
        raise DataError(*problems)
    if input_shape is None:
        return dataset
    test = None if dataset.test is None else _shaped(dataset.test, input_shape)
    return replace(dataset, train=_shaped(dataset.train, input_shape), test=test)


def _shaped(examples: Examples, shape: tuple[int, ...]) -> Examples:
    if examples.shape == shape:
        return examples
    held = examples.inputs
    inputs = held if isinstance(held, RecordArray) else np.asarray(held)
    return replace(examples, inputs=inputs.reshape(len(inputs), *shape))


def _faults(where: str, examples: Examples) -> list[str]:
    if not len(examples):
        return [f"{where} has no examples"]
    return [
        f"{where}: {wrong}"
        for what, array in _arrays_of(examples)
        if isinstance(array, np.ndarray) and (wrong := _not_finite(what, array))
    ]


def _arrays_of(examples: Examples) -> list[tuple[str, object]]:
    """What of examples is looked at; inputs that are targets too are looked at once."""
    inputs: list[tuple[str, object]] = [("input", examples.inputs)]
    if examples.targets is examples.inputs:
        return inputs
    return [*inputs, ("target", examples.targets)]


def _shape_faults(dataset: Dataset, wanted: tuple[int, ...], trained: bool) -> list[str]:
    shapes = [dataset.train.shape, *([dataset.test.shape] if dataset.test else [])]
    return [
        f"{dataset.name} has examples of {show(shape)}, but the network's input is "
        f"{show(wanted)}{_advice(shape, wanted, trained)}"
        for shape in dict.fromkeys(shapes)
        if not _reshapable(shape, wanted)
    ]


def _reshapable(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    if shape == wanted or (*shape, 1) == wanted:
        return True
    return (len(shape) == 1 or len(wanted) == 1) and math.prod(shape) == math.prod(wanted)


def _advice(shape: tuple[int, ...], wanted: tuple[int, ...], trained: bool) -> str:
    if len(shape) > 1 and (*shape[1:], shape[0]) == wanted:
        return ": move the channels to the last axis, as in np.moveaxis(inputs, 1, -1)"
    if trained:
        return ": prepare the data in that shape, as those of the run were"
    if len(shape) == 1 and shape[0] - 1 == math.prod(wanted):
        return (
            ": that is a value too many; where a column counts the lines, leave it out, "
            "`drop: [NAME]`"
        )
    if len(shape) == len(wanted) - 1:  # one channel, whose axis grey images and volumes lack
        shape = (*shape, 1)
    return f": write `input: {show(shape)}`, or prepare the data in that shape"


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
