"""What a data set holds, in figures: for people who are about to train on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnkit.data.dataset import Array, Dataset, Indices, Splits
from cnnkit.data.duplicates import repeated
from cnnkit.data.inspection import all_alike, hints, warnings_of
from cnnkit.data.maps import pixels_of
from cnnkit.data.preprocessing import extremes
from cnnkit.data.scaling import dtype_of
from cnnkit.data.statistics import Statistics, statistics


@dataclass(frozen=True, eq=False)
class DatasetSummary:
    """The figures of a data set.

    Attributes:
        dataset: What they are of.
        examples: How many each split has.
        classes: How many of each class or label each split has, in their order; of masks how many
            pixels.
        training: Mean, deviation and range of the training split.
        warnings: What is suspicious about it, a sentence each.
        groups: How many groups of examples that belong together each split has; None where each
            is by itself.
    """

    dataset: Dataset
    examples: dict[str, int]
    classes: dict[str, dict[str, int]]
    training: Statistics
    warnings: tuple[str, ...] = ()
    groups: dict[str, int] | None = None

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value of the training split, as in the files."""
        return extremes(self.dataset, self.training)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON. Every key is always there."""
        return {
            "format": 1,
            "name": self.dataset.name,
            "shape": list(self.dataset.shape),
            "dtype": dtype_of(self.dataset),
            "value_range": self._value_range(),
            "bytes": self.dataset.nbytes,
            "targets": self._targets(),
            "target": self.dataset.target or None,
            "examples": self.examples,
            "groups": self.groups,
            "classes": self.classes,
            "minimum": self.range[0],
            "maximum": self.range[1],
            "mean": [float(value) for value in self.training.mean],
            "deviation": [float(value) for value in self.training.deviation],
            "constant": list(self.training.constant),
            "warnings": list(self.warnings),
        }

    def _targets(self) -> str | list[int]:
        """What a target is: a class, labels, the class of each pixel, or numbers of a shape."""
        shape = self.dataset.train.targets.shape[1:]
        if self.dataset.train.of_pixels:
            return "pixels"
        if self.classes:
            return "labels" if shape else "class"
        return list(shape)

    def _value_range(self) -> list[float] | None:
        found = self.dataset.train.value_range
        return None if found is None else list(found)


def summary(dataset: Dataset, splits: Splits | None = None) -> DatasetSummary:
    """The figures of a data set, split as given or as it comes.

    Args:
        dataset: What is summed up.
        splits: How it is split; by default into the splits of its own alone.
    """
    training = np.arange(len(dataset.train))
    if splits is not None:
        training, validation = splits.train, splits.validation
    elif dataset.validation is not None:
        training, validation = np.setdiff1d(training, dataset.validation), dataset.validation
    else:
        validation = training[:0]
    targets = {"train": dataset.train.targets[training]}
    if len(validation):
        targets["validation"] = dataset.train.targets[validation]
    if splits is not None:
        targets["test"] = dataset.examples_of_test(splits).targets[splits.test]
    elif dataset.test is not None:
        targets["test"] = dataset.test.targets
    examples = {part: len(each) for part, each in targets.items()}
    measured = statistics(dataset.train, training)
    cut = splits or _own(dataset, training, validation)
    return DatasetSummary(
        dataset,
        examples,
        class_counts(dataset, targets),
        measured,
        (
            *warnings_of(dataset, cut, measured),
            *(repeated(dataset, cut) if all_alike(dataset) is None and not dataset.inputs else ()),
            *hints(dataset, measured),
        ),
        _grouped(splits, examples),
    )


def _grouped(splits: Splits | None, parts: Iterable[str]) -> dict[str, int] | None:
    """How many groups each split has, where there are any."""
    if splits is None or splits.groups is None:
        return None
    return {
        part: splits.groups.count(
            getattr(splits, part), own_test=part == "test" and splits.own_test
        )
        for part in parts
    }


def _own(dataset: Dataset, training: Indices, validation: Indices) -> Splits:
    """The splits that a data set comes with."""
    own_test = dataset.test is not None
    test = np.arange(len(dataset.test) if dataset.test is not None else 0)
    return Splits(training, validation, test, own_test, False, 0)


def class_counts(dataset: Dataset, targets: Mapping[str, Array]) -> dict[str, dict[str, int]]:
    """How many of each class or label each split has; nothing where targets are neither."""
    if dataset.train.of_pixels:
        pixels = {part: pixels_of(dataset.classes, each) for part, each in targets.items()}
        return {
            name: {part: counts[name] for part, counts in pixels.items()}
            for name in dataset.classes
        }
    labels = len(dataset.train.targets.shape) > 1
    if labels and not dataset.classes:
        return {}
    counts = {
        part: each.sum(0) if labels else np.bincount(each, minlength=len(dataset.classes))
        for part, each in targets.items()
    }
    return {
        name: {part: int(count[label]) for part, count in counts.items()}
        for label, name in enumerate(dataset.classes)
    }
