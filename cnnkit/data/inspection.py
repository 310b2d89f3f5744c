"""What is suspicious about a data set that can be read: leaks, lost channels, unused ranges."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.columns import some
from cnnkit.data.dataset import Dataset, Indices, Splits
from cnnkit.data.duplicates import leaks
from cnnkit.data.maps import pixels_of
from cnnkit.data.membership import FILE
from cnnkit.data.preprocessing import extremes
from cnnkit.data.scaling import RANGES, dtype_of
from cnnkit.data.statistics import Statistics

_SHOWN = 3
_CHUNK = 1024
# Of a range's values: what reaches no further was meant for another range.
_REACHED = 1 / 4


def warnings_of(dataset: Dataset, splits: Splits, measured: Statistics) -> list[str]:
    """What makes a training on a data set worthless or weak, a sentence each.

    Args:
        dataset: The data set.
        splits: How it is cut.
        measured: The statistics of its training split.
    """
    if fault := all_alike(dataset):
        return [*dataset.notes, fault]
    # One image may well be part of many examples of several inputs: that is no leak.
    found = [] if dataset.inputs else leaks(dataset, splits)
    return [
        *dataset.notes,
        *_of_groups(dataset, splits),
        *_absent(dataset, splits),
        *found,
        *constant(dataset, measured),
    ]


def _of_groups(dataset: Dataset, splits: Splits) -> Iterator[str]:
    """Says where each group has one example."""
    if splits.groups is None:
        return
    if len(splits.groups.names) == len(splits.groups.train) and splits.groups.by != FILE:
        yield (
            f"`group: {splits.groups.by}` makes each example of {dataset.name} a group of its own, "
            f"which changes nothing"
        )


def _absent(dataset: Dataset, splits: Splits) -> Iterator[str]:
    """Which classes a split has nothing of: the training split, and with groups the others too."""
    counts = _counts(dataset, np.arange(len(dataset.train)))
    if counts is None:
        return
    grouped = splits.groups is not None
    what = "pixel" if dataset.train.of_pixels else "example"
    for name in ("train", "validation", "test") if grouped else ("train",):
        part = getattr(splits, name)
        if not len(part) or (name == "test" and splits.own_test):
            continue
        of_part = _counts(dataset, part)
        lacking = np.flatnonzero((counts > 0) & (of_part == 0)).tolist()
        if lacking:
            names = [str(dataset.classes[each] if dataset.classes else each) for each in lacking]
            why = ": too few groups have any" if grouped else ""
            yield (
                f"the {'training' if name == 'train' else name} split has no {what} of "
                f"{some(names)}{why}; another `seed` may part them better"
            )


def _counts(dataset: Dataset, indices: Indices) -> NDArray[np.int64] | None:
    """How many of each class some examples have; None where targets are no classes."""
    if dataset.train.of_pixels:
        return np.array([*pixels_of(dataset.classes, dataset.train.targets[indices]).values()])
    labels = dataset.train.labels()
    if labels is None:
        return None
    return np.bincount(labels[indices], minlength=int(labels.max(initial=0)) + 1)


def all_alike(dataset: Dataset) -> str | None:
    """Says that all inputs are one and the same, where they are."""
    inputs = dataset.train.inputs
    if len(inputs) < 2 or not isinstance(inputs, np.ndarray):
        return None
    if any((inputs[at : at + _CHUNK] != inputs[0]).any() for at in range(0, len(inputs), _CHUNK)):
        return None
    mend = "mend the data"
    if dataset.decoding is not None:
        mend = "where their pixels are transparent, name what is behind them: `background: black`"
    return f"all {len(inputs):,} inputs of {dataset.name} are alike and teach nothing: {mend}"


def hints(dataset: Dataset, measured: Statistics) -> list[str]:
    """What might be said about the range of the values, a sentence each."""
    hint = _hint(dataset, *extremes(dataset, measured))
    return [] if hint is None else [hint]


def _hint(dataset: Dataset, low: float, high: float) -> str | None:
    dtype, chosen = dtype_of(dataset), dataset.train.value_range
    largest = RANGES.get(dtype)
    if chosen is not None and (low < chosen[0] or high > chosen[1]):
        return (
            f"values go from {low:g} to {high:g}, beyond the `value_range` of {chosen[0]:g} to "
            f"{chosen[1]:g}, which becomes 0 to 1"
        )
    if largest is not None and chosen == largest and 0 < high <= largest[1] * _REACHED:
        return (
            f"values reach {high:g} of the {largest[1]:g} that {dtype} has, so that they are "
            f"scaled to 0 to {high / largest[1]:.3g}: `value_range: [0, {_likely(high)}]` scales "
            f"them to 0 to 1"
        )
    if chosen is None and np.dtype(dtype).kind in "iu" and low >= 0 and high > 1:
        return (
            f"values are taken as they are ({dtype}): `value_range: [0, {_likely(high)}]` scales "
            f"them to 0 to 1, which `augment` expects"
        )
    return None


def constant(dataset: Dataset, measured: Statistics) -> list[str]:
    """The channels that have one value throughout, in a sentence."""
    channels, total = measured.constant, dataset.shape[-1]
    if not channels or len(dataset.shape) == 1:  # pixels at the border are often black
        return []
    which = ", ".join(map(str, channels[:_SHOWN])) + (", …" if len(channels) > _SHOWN else "")
    noun = f"channel {which} of {total} has" if len(channels) == 1 else f"channels {which} have"
    return [f"{noun} one value throughout, which tells nothing: leave it out, or mend the data"]


def _likely(high: float) -> int:
    """The end of the range that values up to some were meant for: a power of 2, or one less."""
    whole = math.ceil(high)
    power = 1 << max(whole - 1, 0).bit_length()
    return whole if whole == power else power - 1
