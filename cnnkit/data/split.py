"""Cuts a data set into training, validation and test examples: seeded, disjoint, exhaustive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array, Dataset, Examples, Indices, Splits
from cnnkit.errors import DataError
from cnnkit.spec.model.training import SplitSettings


def split(dataset: Dataset, cut: SplitSettings | None = None, seed: int = 0) -> Splits:
    """Cuts the validation and the test split, where the data set has none of its own.

    Args:
        dataset: What is cut; fractions are of ``dataset.train``.
        cut: ``train.split`` of the spec.
        seed: ``train.seed`` of the spec.

    Raises:
        DataError: A class has too few examples, or a split would be empty.
    """
    cut = cut or SplitSettings()
    own_test = dataset.test is not None
    everything = np.arange(len(dataset.train))
    labels = dataset.train.labels() if cut.stratify else None
    test_cut = 0 if own_test else _count(cut.test, len(everything), "test")
    given = dataset.validation if cut.validation else None  # without, all of it is trained on
    validation_cut = _count(cut.validation, len(everything), "validation") if given is None else 0
    if test_cut + validation_cut >= len(everything):
        raise DataError(
            f"{dataset.name} has {len(everything):,} examples: with {validation_cut:,} to validate "
            f"on and {test_cut:,} to test on, none is left to train on"
        )
    rest = everything if given is None else np.setdiff1d(everything, given)
    first, second = np.random.SeedSequence(seed).generate_state(2)
    rest, test_part = _cut(dataset, rest, test_cut, labels, int(first))
    rest, validation_part = _cut(dataset, rest, validation_cut, labels, int(second))
    return Splits(
        train=rest,
        validation=validation_part if given is None else np.sort(given),
        test=test_part if dataset.test is None else np.arange(len(dataset.test)),
        own_test=own_test,
        stratified=labels is not None,
        seed=seed,
    )


def folds(
    examples: Examples,
    indices: Indices,
    k: int,
    *,
    stratify: bool,
    seed: int,
    classes: tuple[str, ...] = (),
) -> Indices:
    """The fold of each of some examples: int64 ``[len(indices)]`` of 0..k−1.

    The folds' sizes differ by one at most where they are not stratified, and the counts of each
    class by one at most where they are.

    Raises:
        DataError: A class has fewer than k examples, or there are fewer than k examples.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    if len(indices) < k:
        raise DataError(f"{k} folds need as many examples, but there are {len(indices):,}")
    labels = examples.labels() if stratify else None
    kind = KFold if labels is None else StratifiedKFold
    if labels is not None:
        _enough(labels[indices], k, f"{k} stratified folds need {k} of each class", classes)
    chosen = None if labels is None else labels[indices]
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    fold = np.empty(len(indices), np.int64)
    cuts = kind(k, shuffle=True, random_state=state).split(np.zeros(len(indices)), chosen)
    for number, (_, part) in enumerate(cuts):
        fold[part] = number
    return fold


def _count(held: float, total: int, name: str) -> int:
    """How many examples a part below 1, or a number of examples, is."""
    count = held if isinstance(held, int) else round(held * total)
    if held > 0 and not count:
        raise DataError(f"a {name} split of {held:g} of {total:,} examples is empty")
    return count


def _cut(
    dataset: Dataset, indices: Indices, count: int, labels: NDArray[np.int32] | None, state: int
) -> tuple[Indices, Indices]:
    """The indices without some that are cut out of them, and those."""
    if not count:
        return indices, indices[:0]
    from sklearn.model_selection import train_test_split

    chosen = None if labels is None else labels[indices]
    if chosen is not None:
        _enough(chosen, 2, "a stratified split needs 2 of each class", dataset.classes)
        classes = len(np.unique(chosen))
        if min(count, len(indices) - count) < classes:
            raise DataError(
                f"{dataset.name}: a stratified split of {count:,} of {len(indices):,} examples "
                f"cannot hold each of {classes} classes; take a larger fraction, or "
                f"`stratify: false`"
            )
    rest, part = train_test_split(indices, test_size=count, stratify=chosen, random_state=state)
    return np.sort(rest), np.sort(part)


def _enough(labels: Array, needed: int, why: str, names: tuple[str, ...] = ()) -> None:
    """Says which classes have too few examples."""
    found, counts = np.unique(labels, return_counts=True)
    short = [
        f"{names[label] if names else label} has {count}"
        for label, count in zip(found.tolist(), counts.tolist(), strict=True)
        if count < needed
    ]
    if short:
        raise DataError(f"{why}, but class {', '.join(short[:10])}; or take `stratify: false`")
