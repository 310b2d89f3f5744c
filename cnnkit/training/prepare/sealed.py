"""A data set whose test split is not handed out: what a choice between networks may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from cnnkit.data import Dataset, Splits, split
from cnnkit.data.dataset import Indices
from cnnkit.folders import StrPath
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.prepare.material import Material, grouped, measured, read
from cnnkit.training.prepare.resolution import outputs_of


class RunExamples(NamedTuple):
    """The examples of one run.

    Attributes:
        train: The indices of those it is trained on.
        held: The indices of those it is judged on.
        seed: What its random numbers come from.
    """

    train: Indices
    held: Indices
    seed: int


@dataclass(frozen=True)
class Sealed:
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

    def with_random_labels(self, seed: int) -> Sealed:
        """The same inputs, their targets dealt out at random: nothing of them can be learnt."""
        order = np.random.default_rng(seed).permutation(len(self.dataset.train))
        return replace(self, dataset=self.dataset.with_targets(order))

    def material(self, spec: Spec, train: Train, part: RunExamples) -> Material:
        """A run on a part of the examples: what it is judged on is its validation split."""
        splits = replace(
            self.splits, train=part.train, validation=part.held, test=self.splits.test[:0]
        )
        return measured(train, self.dataset, splits, outputs_of(spec), part.seed)


def sealed(spec: Spec, train: Train, data_dir: StrPath | None, place: str = "") -> Sealed:
    """Reads and cuts the data set of a recipe.

    Args:
        spec: The network that is to learn it.
        train: The recipe.
        data_dir: Where the published data sets lie.
        place: As of ``prepare``.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing, or the recipe names no data.
    """
    dataset = read(spec, train, outputs_of(spec), data_dir)
    return Sealed(dataset, split(dataset, train.split, train.seed, grouped(spec, dataset, place)))
