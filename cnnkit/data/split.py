"""Cuts a data set into training, validation and test examples: seeded, disjoint, exhaustive."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Array, Dataset, Examples, Indices, Splits
from cnnkit.data.membership import Groups
from cnnkit.errors import DataError
from cnnkit.spec.model.training import SplitSettings


def split(
    dataset: Dataset,
    cut: SplitSettings | None = None,
    seed: int = 0,
    groups: Groups | None = None,
) -> Splits:
    """Cuts the validation and the test split, where the data set has none of its own.

    Args:
        dataset: What is cut; fractions are of ``dataset.train``.
        cut: ``train.split`` of the spec.
        seed: ``train.seed`` of the spec.
        groups: Which examples belong together, ``groups_of`` the data set: none is on two sides,
            and the sizes of the splits are as near to what is wanted as they allow.

    Raises:
        DataError: A class has too few examples, there are too few groups, or a split would be
            empty.
    """
    cut = cut or SplitSettings()
    own_test = dataset.test is not None
    everything = np.arange(len(dataset.train))
    labels = dataset.train.labels() if cut.stratify else None
    test_cut = 0 if own_test else _count(cut.test, len(everything), "test")
    given = dataset.validation if cut.validation else None  # without, all of it is trained on
    validation_cut = _count(cut.validation, len(everything), "validation") if given is None else 0
    if test_cut + validation_cut >= len(everything):
        noun = "example" if len(everything) == 1 else "examples"
        raise DataError(
            f"{dataset.name} has {len(everything):,} {noun}: with {validation_cut:,} to validate "
            f"on and {test_cut:,} to test on, none is left to train on"
        )
    rest = everything if given is None else np.setdiff1d(everything, given)
    first, second = np.random.SeedSequence(seed).generate_state(2)
    if groups is not None:
        _enough_groups(groups, rest, 1 + (test_cut > 0) + (validation_cut > 0))
    # Two groups are left without a validation split too, so that the test split is the same then.
    rest, test_part = _cut(dataset, rest, test_cut, labels, int(first), groups, kept=2)
    rest, validation_part = _cut(dataset, rest, validation_cut, labels, int(second), groups)
    return Splits(
        train=rest,
        validation=validation_part if given is None else np.sort(given),
        test=test_part if dataset.test is None else np.arange(len(dataset.test)),
        own_test=own_test,
        stratified=labels is not None,
        seed=seed,
        groups=groups,
    )


def folds(
    examples: Examples,
    indices: Indices,
    k: int,
    *,
    stratify: bool,
    seed: int,
    classes: tuple[str, ...] = (),
    groups: Groups | None = None,
) -> Indices:
    """The fold of each of some examples: int64 ``[len(indices)]`` of 0..k−1.

    The folds' sizes differ by one at most where they are not stratified, and the counts of each
    class by one at most where they are; with groups, of which none is in two folds, this holds as
    far as they allow.

    Raises:
        DataError: A class has fewer than k examples, or there are fewer than k examples or groups.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    if len(indices) < k:
        raise DataError(f"{k} folds need as many examples, but there are {len(indices):,}")
    labels = examples.labels() if stratify else None
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    if groups is not None:
        _enough_groups(groups, indices, k, f"{k} folds")
        own = groups.train[indices]
        return _fold_of_groups(own, k, None if labels is None else labels[indices], state)
    kind = KFold if labels is None else StratifiedKFold
    if labels is not None:
        _enough(labels[indices], k, f"{k} stratified folds need {k} of each class", classes)
    chosen = None if labels is None else labels[indices]
    fold = np.empty(len(indices), np.int64)
    cuts = kind(k, shuffle=True, random_state=state).split(np.zeros(len(indices)), chosen)
    for number, (_, part) in enumerate(cuts):
        fold[part] = number
    return fold


def _count(held: float, total: int, name: str) -> int:
    """How many examples a part below 1, or a number of examples, is."""
    count = held if isinstance(held, int) else round(held * total)
    if held > 0 and not count:
        noun = "1 example" if total == 1 else f"{total:,} examples"
        raise DataError(
            f"a {name} split of {held:g} of {noun} is empty: hold a number of "
            f"them back, `split: {{{name}: 1}}`, or none, `split: {{{name}: 0}}`"
        )
    return count


def _cut(
    dataset: Dataset,
    indices: Indices,
    count: int,
    labels: NDArray[np.int32] | None,
    state: int,
    groups: Groups | None,
    kept: int = 1,
) -> tuple[Indices, Indices]:
    """The indices without some that are cut out of them, and those; so many groups are left."""
    if not count:
        return indices, indices[:0]
    if groups is not None:
        of = None if labels is None else labels[indices]
        held = _held_groups(groups.train[indices], count, of, state, kept)
        return indices[~held], indices[held]
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


def _held_groups(
    groups: Indices, count: int, labels: NDArray[np.int32] | None, state: int, kept: int
) -> NDArray[np.bool_]:
    """Which examples are held out, whole groups of them, bool ``[N]``.

    In a random order each group is taken that brings the counts of the classes nearer to their
    shares of what is wanted.

    Args:
        groups: The group of each example.
        count: How many examples are wanted; there are about as many as the groups allow.
        labels: The class of each, where these are to be shared out; else all are of one.
        state: What the order comes from.
        kept: How many groups are left, at least.
    """
    names, of = np.unique(groups, return_inverse=True)
    classes = np.zeros_like(of) if labels is None else np.unique(labels, return_inverse=True)[1]
    each = np.zeros((len(names), int(classes.max()) + 1))
    np.add.at(each, (of, classes), 1)
    each /= each.sum(0)
    lacking = np.full(each.shape[1], count / len(groups))
    taken: list[int] = []
    order = np.random.default_rng(state).permutation(len(names))
    for group in order.tolist():
        nearer = np.square(lacking - each[group]).sum() < np.square(lacking).sum()
        if nearer and len(names) - len(taken) > kept:
            taken.append(group)
            lacking -= each[group]
    if not taken:  # each has more examples than are wanted
        taken.append(int(np.argmin(np.square(lacking - each).sum(1))))
    held: NDArray[np.bool_] = np.isin(of, taken)
    return held


def _fold_of_groups(groups: Indices, k: int, labels: Array | None, state: int) -> Indices:
    """The fold of each example, int64 ``[N]`` of 0..k−1: no group is in two.

    The folds are about of one size; the classes are shared out as far as the groups allow.
    Source: scikit-learn's ``StratifiedGroupKFold``.

    Args:
        groups: The group of each example, of k groups or more.
        k: How many folds.
        labels: The class of each, where these are to be shared out.
        state: What the choice comes from.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    none = np.zeros(len(groups), np.int32)
    fold = np.empty(len(groups), np.int64)
    for classes in (none if labels is None else labels, none):
        if np.bincount(classes).max() < k:
            continue  # each class has too few examples to be shared out
        cutting = StratifiedGroupKFold(k, shuffle=True, random_state=state)
        with warnings.catch_warnings():  # of a class with fewer examples than folds
            warnings.simplefilter("ignore", UserWarning)
            for number, (_, part) in enumerate(cutting.split(none, classes, groups)):
                fold[part] = number
        if len(np.unique(fold)) == k:  # else the classes have left one empty
            break
    return fold


def _enough_groups(groups: Groups, indices: Indices, needed: int, what: str = "") -> None:
    """Says that there are fewer groups than parts."""
    count = groups.count(indices)
    if count >= needed:
        return
    what = what or f"a training split and {'one' if needed == 2 else 'two'} held out"
    noun = "1 group" if count == 1 else f"{count} groups"
    raise DataError(
        f"{groups.place}{what} need {needed} groups, and {groups.said} {noun} of "
        f"{len(indices):,} examples: {groups.some(indices)}"
    )


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
