"""Any arrays of inputs and targets as the two that a network takes."""

from __future__ import annotations

import numpy as np

from cnnkit.data.dataset import Array, Dataset, Examples, Indices, written
from cnnkit.errors import DataError

Pair = tuple[Array, Array]

# A label above is a mistake, and no reason to name a milliard classes.
_MOST_CLASSES = 100_000


def dataset_of(
    name: str,
    train: Pair,
    test: Pair | None,
    where: str,
    *,
    classes: tuple[str, ...] = (),
    validation: Indices | None = None,
) -> Dataset:
    """The data set of some arrays, inputs ``[N, …]`` and targets ``[N]`` or ``[N, K]``.

    Bytes stay bytes, other inputs become float32. Targets that are whole numbers, ``[N]`` or
    ``[N, 1]``, are classes; whole numbers or truth values ``[N, K]`` mark which of K labels an
    example has; floats are values to predict; texts are classes in their sorted order.

    Args:
        name: What the data set is called.
        train: Inputs and targets.
        test: Those of the test split.
        where: The file, for messages.
        classes: The names of the classes; by default the texts, or the numbers.
        validation: The places in ``train`` of a validation split.

    Raises:
        DataError: An array is of another kind, or inputs and targets differ in number.
    """
    pairs = [train] if test is None else [train, test]
    for inputs, targets in pairs:
        if len(np.atleast_1d(inputs)) != len(np.atleast_1d(targets)):
            counts = f"{len(inputs):,} inputs, but {len(targets):,} targets"
            raise DataError(f"{where} has {counts}")
    if test is not None and train[1].shape[1:] != test[1].shape[1:]:
        shapes = " and ".join(written(targets.shape) or "no axis" for _, targets in pairs)
        raise DataError(f"{where}: the targets of train and test have shapes {shapes}")
    # All at once, so that a text or a fraction means the same in train and test.
    together = np.concatenate([np.atleast_1d(targets) for _, targets in pairs])
    targets, names = _targets(together, where)
    count = len(train[1])
    whole = Examples(_inputs(train[0], where), targets[:count])
    tested = None if test is None else Examples(_inputs(test[0], where), targets[count:])
    return Dataset(name, whole, tested, classes or names or _numbers(targets), validation)


def _inputs(inputs: Array, where: str) -> Array:
    if inputs.ndim < 2:
        shape = written(inputs.shape) or "no axis"
        raise DataError(
            f"{where}: its inputs have shape {shape}; the first axis counts the examples, and the "
            f"others are those of one example"
        )
    return inputs if inputs.dtype == np.uint8 else _float32(inputs, f"{where}: its inputs")


def _targets(targets: Array, where: str) -> tuple[Array, tuple[str, ...]]:
    """Targets as int32 ``[N]`` or float32 ``[N, K]``, and the texts that the classes had."""
    if targets.ndim == 2 and targets.shape[1] == 1 and targets.dtype.kind != "f":
        targets = targets[:, 0]
    if targets.ndim > 2:
        raise DataError(
            f"{where}: its targets have shape {written(targets.shape)}; N or NxK is due"
        )
    if targets.ndim == 1 and targets.dtype.kind in "US":
        names, labels = np.unique(targets.astype(str), return_inverse=True)
        return labels.astype(np.int32), tuple(str(name) for name in names)
    if targets.ndim == 1 and targets.dtype.kind in "iub":
        # What int32 cannot hold is no label in any case, and reported as such.
        largest = np.iinfo(np.int32).max
        return np.where(targets > largest, largest, targets).clip(-1).astype(np.int32), ()
    values = _float32(targets, f"{where}: its targets")
    return values.reshape(len(values), -1), ()


def _float32(array: Array, what: str) -> Array:
    if array.dtype.kind not in "iubf":
        raise DataError(f"{what} are of type {array.dtype}; numbers are needed")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is reported
        return array.astype(np.float32)


def _numbers(targets: Array) -> tuple[str, ...]:
    """The names of classes that are known by their numbers alone."""
    if targets.ndim != 1 or not len(targets):
        return ()
    return tuple(str(label) for label in range(min(int(targets.max()) + 1, _MOST_CLASSES)))
