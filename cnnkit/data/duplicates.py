"""Images that a data set has more than once: in two splits, under two labels, or in one split."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from cnnkit.data.dataset import Dataset, Examples, Indices, Splits
from cnnkit.data.likeness import SMALLEST, nearly_alike

_SHOWN = 3
# Of fewer values, as of a table's row or a tiny picture, two may be alike by chance.
_LEAST_VALUES = 64
# As many are looked at for near-duplicates, so that it takes a second or two.
_MOST: Final = 10_000
_MOST_IN_FILES: Final = 2_000


class Member(NamedTuple):
    """An example in a split: what it is called, and what is in it.

    Attributes:
        split: The split.
        name: The file, or the number of the example.
        label: The class; None where targets are none.
        content: The same of two examples that are the same; None where that would tell nothing.
    """

    split: str
    name: str
    label: int | None
    content: bytes | str | None


Parts = Mapping[str, tuple[Examples, Indices]]


def parts_of(dataset: Dataset, splits: Splits) -> Parts:
    """The examples of each split, and which of them are in it."""
    return {
        "train": (dataset.train, splits.train),
        "validation": (dataset.train, splits.validation),
        "test": (dataset.examples_of_test(splits), splits.test),
    }


def leaks(dataset: Dataset, splits: Splits) -> list[str]:
    """Which examples are in two splits, or under two labels, exactly or nearly so.

    Of tables and tiny pictures it is not asked.
    """
    parts = parts_of(dataset, splits)
    members = {split: list(_members(split, *part)) for split, part in parts.items()}
    return [
        *_in_two_splits(members),
        *_under_two_labels(dataset, members),
        *_nearly(dataset, parts, members),
    ]


def repeated(dataset: Dataset, splits: Splits) -> list[str]:
    """How many examples of each split are the same as another of it."""
    said = []
    for split, part in parts_of(dataset, splits).items():
        groups = [group for group in _groups(_members(split, *part)) if len(group) > 1]
        extra = sum(len(group) - 1 for group in groups)
        if extra:
            count = f"{extra:,} images of {split} are" if extra > 1 else f"1 image of {split} is"
            pairs = [(group[0], group[1]) for group in groups]
            said.append(f"{count} the same as another of it: {_listed(pairs)}")
    return said


def _in_two_splits(members: Mapping[str, Sequence[Member]]) -> Iterator[str]:
    known = {split: _first(part) for split, part in members.items()}
    for (one, of_one), (other, of_other) in itertools.combinations(known.items(), 2):
        pairs = [(of_one[each], of_other[each]) for each in of_one if each in of_other]
        if pairs:
            count = f"{len(pairs):,} images are" if len(pairs) > 1 else "1 image is"
            yield (
                f"{count} in both {one} and {other}, so that {other} does not measure what is new "
                f"to the network: {_listed(pairs)}"
            )


def _under_two_labels(dataset: Dataset, members: Mapping[str, Sequence[Member]]) -> Iterator[str]:
    pairs = []
    for group in _groups(itertools.chain.from_iterable(members.values())):
        other = next((each for each in group if each.label != group[0].label), None)
        if other is not None:
            pairs.append((group[0], other))
    if pairs:
        count = f"{len(pairs):,} images are" if len(pairs) > 1 else "1 image is"
        listed = _listed(pairs, dataset.classes)
        yield f"{count} there under two labels, of which one is wrong: {listed}"


def _nearly(
    dataset: Dataset, parts: Parts, members: Mapping[str, Sequence[Member]]
) -> Iterator[str]:
    """Pairs that are nearly the same, of two splits or of two labels."""
    if len(dataset.shape) != 3 or min(dataset.shape[:2]) < SMALLEST:
        return
    total = sum(map(len, members.values()))
    in_memory = isinstance(dataset.train.inputs, np.ndarray)
    step = math.ceil(total / (_MOST if in_memory else _MOST_IN_FILES)) or 1
    chosen = [(examples.inputs, indices[::step]) for examples, indices in parts.values()]
    asked = [each for part in members.values() for each in part[::step]]
    of_splits: dict[tuple[str, str], list[tuple[Member, Member]]] = defaultdict(list)
    of_labels = []
    for places in nearly_alike(chosen):
        one, other = (asked[place] for place in places)
        if one.content == other.content and one.content is not None:
            continue  # told already
        if one.split != other.split:
            of_splits[one.split, other.split].append((one, other))
        if one.label != other.label:
            of_labels.append((one, other))
    among = f" (sought among {len(asked):,} of {total:,})" if step > 1 else ""
    for (first, second), pairs in of_splits.items():
        yield (
            f"{_pairs(pairs)} nearly the same in {first} and {second}{among}, so that {second} "
            f"does not measure what is new to the network: {_listed(pairs)}"
        )
    if of_labels:
        listed = _listed(of_labels, dataset.classes)
        yield f"{_pairs(of_labels)} nearly the same under two labels{among}: {listed}"


def _pairs(pairs: Sequence[tuple[Member, Member]]) -> str:
    return f"{len(pairs):,} pairs of images are" if len(pairs) > 1 else "1 pair of images is"


def _listed(pairs: Sequence[tuple[Member, Member]], classes: Sequence[str] = ()) -> str:
    """The first pairs by their names, and how many more there are."""

    def called(member: Member) -> str:
        if member.label is None or member.label >= len(classes):
            return member.name
        return f"{member.name} ({classes[member.label]})"

    shown = [f"{called(one)} and {called(other)}" for one, other in pairs[:_SHOWN]]
    more = f" and {len(pairs) - _SHOWN:,} more" if len(pairs) > _SHOWN else ""
    return "; ".join(shown) + more


def _groups(members: Iterable[Member]) -> list[list[Member]]:
    """The examples with the same contents, in the order in which they come."""
    groups: dict[bytes | str, list[Member]] = {}
    for each in members:
        if each.content is not None:
            groups.setdefault(each.content, []).append(each)
    return list(groups.values())


def _first(members: Iterable[Member]) -> dict[bytes | str, Member]:
    return {group[0].content: group[0] for group in _groups(members)}  # type: ignore[misc]


def _members(split: str, examples: Examples, indices: Indices) -> Iterator[Member]:
    """The examples of a split by their names and contents."""
    labels = examples.labels()
    inputs, sources = examples.inputs, examples.sources
    small = math.prod(examples.shape) < _LEAST_VALUES
    for each in indices.tolist():
        label = None if labels is None else int(labels[each])
        if sources is not None:
            part = sources.parts[each] if sources.parts else ""
            yield Member(split, sources.name(each), label, sources.digests[each] + part)
            continue
        content = None
        if isinstance(inputs, np.ndarray) and not small:
            values = inputs[each]
            if values.min() != values.max():
                content = hashlib.sha256(values.tobytes()).digest()
        yield Member(split, f"example {each}", label, content)
