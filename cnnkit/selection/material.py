"""What selection works on: a recipe that can be repeated, and examples that it may see.

The test split is sealed: what is here hands out the indices of the others alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cnnkit.data import Dataset, Splits, load, split
from cnnkit.data.dataset import Indices
from cnnkit.data.inspection import all_alike
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model import Spec
from cnnkit.spec.training import Train
from cnnkit.spec.training.location import located
from cnnkit.training.resolution import outputs_of, recipe_of


@dataclass(frozen=True)
class Open:
    """A data set without its test split.

    Attributes:
        dataset: What was read.
        splits: How it is cut.
    """

    dataset: Dataset
    splits: Splits

    @property
    def indices(self) -> Indices:
        """The training and the validation examples, in order."""
        joined: Indices = np.sort(np.concatenate([self.splits.train, self.splits.validation]))
        return joined

    @property
    def sealed(self) -> int:
        """How many examples the test split has."""
        return len(self.splits.test)

    def with_random_labels(self, seed: int) -> Open:
        """The same inputs, their targets dealt out at random: nothing of them can be learnt."""
        order = np.random.default_rng(seed).permutation(len(self.dataset.train))
        train = replace(self.dataset.train, targets=self.dataset.train.targets[order])
        return replace(self, dataset=replace(self.dataset, train=train))


def recipe(spec: Spec) -> Train:
    """How the network is trained, where that can be repeated many times.

    Raises:
        UsageError: The spec has no `train:`, or figures that are found by trials.
    """
    train = recipe_of(spec)
    for found, field, example in (
        (train.batch_size == "auto", "batch_size: auto", "train.batch_size=128"),
        (train.learning_rate.finds, "learning_rate: find", "train.learning_rate=0.01"),
    ):
        if found:
            raise UsageError(
                f"`{field}` is found by trials, and all runs that are compared need the same: "
                f"write a number, or give one by `--set {example}`"
            )
    return train


def opened(spec: Spec, train: Train, data_dir: Path | None) -> Open:
    """Reads and cuts the data set of a recipe.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing, or there are too many examples for the device.
    """
    source = located(spec).data
    if source is None:
        raise UsageError("`train` names no data: write `data: digits`, or the files to learn from")
    dataset = load(
        source,
        data_dir=data_dir,
        input_shape=spec.input,
        outputs=outputs_of(spec),
        loss=train.loss,
    )
    if fault := all_alike(dataset):
        raise DataError(fault)
    if not dataset.fits_on_device():
        raise UsageError(
            f"{dataset.name} has {dataset.nbytes / 2**30:.1f} GiB: runs that are compared keep "
            "their examples on the device, so take a part of them, or smaller ones"
        )
    return Open(dataset, split(dataset, train.split, train.seed))
