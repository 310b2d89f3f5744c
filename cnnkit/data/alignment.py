"""The classes of other data as those that a network knows: told by their names, never by order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cnnkit.data.columns import some
from cnnkit.data.dataset import Array, Dataset, Examples
from cnnkit.errors import DataError, did_you_mean

Change = Callable[[Array], Array]


def aligned(dataset: Dataset, classes: Sequence[str], renamed: Mapping[str, str]) -> Dataset:
    """The data set with its targets as numbers of a network's classes, or columns of its labels.

    Data may have some of the classes only; a note says which they lack.

    Args:
        dataset: The data.
        classes: The classes or labels of the network, in the order of its outputs.
        renamed: What the data call a class of the network, where it is not the same.

    Raises:
        DataError: The data have a class that the network does not know, or a name is of neither.
    """
    if not dataset.classes:
        if renamed:
            raise DataError(f"{dataset.name} has no names of classes that `--classes` could name")
        return dataset
    _require_known(dataset, classes, renamed)
    called = {renamed.get(name, name): name for name in classes}
    names = [called.get(name) for name in dataset.classes]
    of_labels = dataset.train.targets.ndim > 1
    there = [True] * len(names) if of_labels else _occurring(dataset)
    if there is None:
        return dataset  # labels that are no classes, which are told by the checks to come
    unknown = [
        name
        for name, ours, seen in zip(dataset.classes, names, there, strict=True)
        if ours is None and seen
    ]
    if unknown:
        raise DataError(_unknown(dataset, unknown, classes, renamed))
    places = [0 if name is None else list(classes).index(name) for name in names]
    missing = [name for name in classes if renamed.get(name, name) not in dataset.classes]
    if of_labels:
        if missing:
            raise DataError(
                f"{dataset.name} lacks the labels {some(missing)}: a network of labels is measured "
                f"on all of them"
            )
        return _with_targets(dataset, classes, lambda targets: targets[:, np.argsort(places)])
    seen = {name for name, each in zip(names, there, strict=True) if each}
    lacking = [name for name in classes if name not in seen]
    found = _with_targets(dataset, classes, lambda targets: np.array(places, np.int32)[targets])
    if not lacking:
        return found
    noun = "class" if len(lacking) == 1 else "classes"
    note = (
        f"{dataset.name} has no example of the {noun} {some(lacking)}: the figures are of the "
        f"other {len(classes) - len(lacking)}"
    )
    return replace(found, notes=(*found.notes, note))


def _with_targets(dataset: Dataset, classes: Sequence[str], change: Change) -> Dataset:
    def changed(examples: Examples) -> Examples:
        return replace(examples, targets=change(examples.targets))

    test = None if dataset.test is None else changed(dataset.test)
    return replace(dataset, train=changed(dataset.train), test=test, classes=tuple(classes))


def _occurring(dataset: Dataset) -> list[bool] | None:
    """Whether each class of the data has an example; None where a label is of none."""
    parts = [dataset.train, *([dataset.test] if dataset.test is not None else [])]
    labels = np.concatenate([part.targets for part in parts])
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(dataset.classes):
        return None
    counts: list[bool] = (np.bincount(labels, minlength=len(dataset.classes)) > 0).tolist()
    return counts


def _require_known(dataset: Dataset, classes: Sequence[str], renamed: Mapping[str, str]) -> None:
    """Raises where a name that is given is of no class."""
    for ours, theirs in renamed.items():
        if ours not in classes:
            turned = theirs in classes and ours in dataset.classes
            near = did_you_mean(ours, classes)
            advice = f"it has {some(list(classes))}"
            if turned:
                advice = f"write its own name first, `{theirs}={ours}`"
            elif near:
                advice = f"did you mean `{near}`?"
            raise DataError(f"the network has no class `{ours}`: {advice}")
        if theirs not in dataset.classes:
            near = did_you_mean(theirs, dataset.classes)
            meant = f"did you mean `{near}`?" if near else f"it has {some(list(dataset.classes))}"
            raise DataError(f"{dataset.name} has no class `{theirs}`: {meant}")


def _unknown(
    dataset: Dataset, unknown: Sequence[str], classes: Sequence[str], renamed: Mapping[str, str]
) -> str:
    """What is said of classes that the network does not know, and how to name them."""
    free = {name.lower(): name for name in classes if name not in renamed}
    likely = {free[name.lower()]: name for name in unknown if name.lower() in free}
    pairs = {**renamed, **likely}
    example = ",".join(f"{ours}={theirs}" for ours, theirs in pairs.items())
    noun = "class" if len(unknown) == 1 else "classes"
    advice = (
        f"where they are the same, say so: `--classes {example}`"
        if len(likely) == len(unknown)
        else f"say which they are, `--classes {classes[0]}={unknown[0]}`, or leave their examples "
        f"out"
    )
    return (
        f"{dataset.name} has the {noun} {some(list(unknown))}, and the network knows "
        f"{some(list(classes))}: {advice}"
    )
