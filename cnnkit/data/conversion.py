"""Any arrays of inputs and targets as the two that a network takes."""

from __future__ import annotations

import numpy as np

from cnnkit.data.dataset import Array, Dataset, Examples, Indices
from cnnkit.errors import DataError
from cnnkit.layers.shape import show

Pair = tuple[Array, Array]

# A label above is a mistake, and no reason to name a milliard classes.
_MOST_CLASSES = 100_000
# The types whose whole range is scaled, so that they are not to become others before.
_KEPT = (np.uint8, np.uint16)


def dataset_of(
    name: str,
    train: Pair,
    test: Pair | None,
    where: str,
    *,
    classes: tuple[str, ...] = (),
    validation: Indices | None = None,
) -> Dataset:
    """The data set of some arrays, inputs ``[N, …]`` and targets ``[N]``, ``[N, K]`` or maps.

    Inputs without sign of 8 or 16 bits stay such, others become float32. Targets that are whole
    numbers, ``[N]`` or ``[N, 1]``, are classes; whole numbers or truth values ``[N, K]`` mark which
    of K labels an example has; floats are values to predict; texts are classes in their sorted
    order. Targets with more axes stay as they are: what they mean is said by the network.

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
        if inputs.ndim < 2 or not targets.ndim:
            raise DataError(
                f"{where}: its inputs have shape {_shape(inputs)} and its targets "
                f"{_shape(targets)}; the first axis counts the examples, and an input has others"
            )
        if len(inputs) != len(targets):
            raise DataError(f"{where} has {len(inputs):,} inputs, but {len(targets):,} targets")
    if test is not None:
        _require_alike(train, test, where)
    # All at once, so that a text or a fraction means the same in train and test.
    together = np.concatenate([targets for _, targets in pairs])
    targets, names = _targets(together, train[0], where)
    count = len(train[1])
    whole = Examples(_inputs(train[0], where), targets[:count])
    tested = None if test is None else Examples(_inputs(test[0], where), targets[count:])
    names = classes or names
    return Dataset(name, whole, tested, names, validation, dtype=str(train[0].dtype))


def _targets(targets: Array, inputs: Array, where: str) -> tuple[Array, tuple[str, ...]]:
    """Targets as of ``named_targets``, or maps, and the names of the classes."""
    if not is_map(targets, inputs):
        return named_targets(targets, where)
    if targets.ndim - inputs.ndim not in (-1, 0, 1):
        raise DataError(
            f"{where}: its targets have shape {show(targets.shape)}; N or NxK is due, or an axis "
            f"for each spatial one of the inputs, {show(inputs.shape)}"
        )
    return _map(targets, where), ()


def is_map(targets: Array, inputs: Array) -> bool:
    """Whether targets have spatial extents: more axes than labels, or those of a signal."""
    return targets.ndim > 2 or (
        targets.ndim == 2
        and inputs.ndim == 3
        and targets.shape == inputs.shape[:2]
        and targets.dtype.kind in "iu"
        and targets.shape[1] > 1
    )


def _map(targets: Array, where: str) -> Array:
    """Maps in a type that holds them: whole numbers as they are, all else in float32."""
    if targets.ndim == 2:  # of signals; bytes may be inputs that are targets too
        return targets.astype(np.int64)
    return targets if targets.dtype.kind in "iu" else _float32(targets, f"{where}: its targets")


def _shape(array: Array) -> str:
    return show(array.shape) or "of no axis"


def _require_alike(train: Pair, test: Pair, where: str) -> None:
    """Raises where train and test cannot mean the same."""
    if train[1].shape[1:] != test[1].shape[1:]:
        shapes = f"{_shape(train[1])} and {_shape(test[1])}"
        raise DataError(f"{where}: the targets of train and test have shapes {shapes}")
    kinds = [inputs.dtype for inputs, _ in (train, test)]
    if kinds[0] != kinds[1] and any(kind in _KEPT for kind in kinds):
        raise DataError(
            f"{where}: the inputs of train are {kinds[0]} and those of test {kinds[1]}; bytes "
            f"stand for 0 to 1, so save both in one type"
        )


def _inputs(inputs: Array, where: str) -> Array:
    return inputs if inputs.dtype in _KEPT else _float32(inputs, f"{where}: its inputs")


def named_targets(targets: Array, where: str) -> tuple[Array, tuple[str, ...]]:
    """Targets as int32 ``[N]`` or float32 ``[N, K]``, and the names of the classes.

    Args:
        targets: As of ``dataset_of``.
        where: The file, for messages.

    Raises:
        DataError: They are of another kind.
    """
    if targets.ndim == 2 and targets.shape[1] == 1 and targets.dtype.kind != "f":
        targets = targets[:, 0]
    if targets.ndim > 2:
        raise DataError(f"{where}: its targets have shape {show(targets.shape)}; N or NxK is due")
    if targets.ndim == 1 and targets.dtype.kind in "US":
        if targets.dtype.kind == "S":
            targets = np.char.decode(targets, "utf-8", "replace")
        names, labels = np.unique(targets, return_inverse=True)
        return labels.astype(np.int32), tuple(str(name) for name in names)
    if targets.ndim == 1 and targets.dtype.kind in "iub":
        info = np.iinfo(np.int32)
        fits = ((targets >= info.min) & (targets <= info.max)).all()
        # What int32 cannot hold is no label; as a value to predict it may be right.
        typed = targets.astype(np.int32 if fits else np.float64)
        return typed, _numbers(typed)
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
