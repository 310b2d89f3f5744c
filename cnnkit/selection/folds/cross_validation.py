"""k-fold cross-validation: every example is predicted once, by a network that never saw it.

In each fold all that is computed on data, the mean and the deviation of the inputs and the weights
of classes, comes from that fold's training examples. The number of epochs is the recipe's: to stop
early would choose it by the examples that are to judge it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cnnkit.data import folds as cut_folds
from cnnkit.data.dataset import Indices
from cnnkit.network.weights import Arrays
from cnnkit.selection.folds.fold import Fold, FoldEpoch
from cnnkit.selection.run_group import RunGroup, group_size, of_equal_size
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.figures import Figures
from cnnkit.training.distributed.mesh import usable
from cnnkit.training.engine import Engine, machine
from cnnkit.training.prepare.batch_size import fitted
from cnnkit.training.prepare.sealed import RunExamples, Sealed
from cnnkit.training.view.display import Quiet

if TYPE_CHECKING:
    import jax


class CrossValidationCallback(Protocol):
    """Who is told how the cross-validation goes on."""

    def begins(self, numbers: Sequence[int], epochs: int) -> None:
        """Folds are trained side by side."""

    def epoch(self, numbers: Sequence[int], epoch: int, figures: Sequence[Figures]) -> None:
        """An epoch of them is over."""

    def ends(self, fold: Fold) -> None:
        """A fold is judged."""


class Keep(Protocol):
    """Where folds are kept once they are judged."""

    def __call__(self, fold: Fold) -> None:
        """Keeps a fold."""
        ...


def cut(data: Sealed, count: int, train: Train, within: RunExamples | None = None) -> Indices:
    """The fold of each example, int64 ``[N]``; stratified and grouped where the recipe's split is.

    The examples are all open ones, or those that a part trains on.

    Raises:
        DataError: A class has too few examples, or there are too few groups.
    """
    return cut_folds(
        data.dataset.train,
        data.indices if within is None else within.train,
        count,
        stratify=train.split.stratify,
        seed=train.seed if within is None else within.seed,
        classes=data.dataset.classes,
        groups=data.splits.groups,
    )


def parts(data: Sealed, fold_of: Indices, seed: int) -> list[RunExamples]:
    """The examples of each fold: those held out, and all others to train on."""
    indices = data.indices
    count = int(fold_of.max()) + 1
    seeds = np.random.SeedSequence(seed).generate_state(count)
    return [
        RunExamples(indices[fold_of != number], indices[fold_of == number], int(seeds[number]))
        for number in range(count)
    ]


def run_folds(
    spec: Spec,
    train: Train,
    data: Sealed,
    each: Sequence[RunExamples],
    *,
    devices: Sequence[jax.Device],
    width: int,
    watch: CrossValidationCallback,
    keep: Keep,
    done: Mapping[int, Fold] = {},
    interrupted: Callable[[], bool] = bool,
    init: Arrays | None = None,
) -> tuple[Fold, ...]:
    """Trains and judges the folds that are not done yet.

    Args:
        spec: The network.
        train: The recipe.
        data: The examples.
        each: The examples of each fold.
        devices: Where they run.
        width: How many are trained side by side, at most.
        watch: Who is told.
        keep: Called with each fold once it is judged.
        done: The folds that an earlier process has judged.
        interrupted: Whether the user asked to end.
        init: Weights and statistics that each fold begins with, by their names.

    Raises:
        KeyboardInterrupt: The user did; folds that are judged are kept.
    """
    folds = dict(done)
    left = [number for number in range(len(each)) if number not in folds]
    for numbers in of_equal_size(each, left):
        engine: Engine | None = None
        size = group_size(len(numbers), width)
        for start in range(0, len(numbers), size):
            group = numbers[start : start + size]
            materials = [data.material(spec, train, each[number]) for number in group]
            if engine is None:
                recipe = fitted(train, len(each[group[0]].train))
                used = usable(devices, recipe, Quiet())
                engine = machine(spec, recipe, materials, used, init)
            else:
                engine.turn_to(materials)
            for fold in _group(engine, train.epochs, group, watch, interrupted):
                keep(fold)
                folds[fold.number] = fold
                watch.ends(fold)
    return tuple(folds[number] for number in range(len(each)))


def _group(
    engine: Engine,
    epochs: int,
    numbers: Sequence[int],
    watch: CrossValidationCallback,
    interrupted: Callable[[], bool],
) -> list[Fold]:
    begun = time.monotonic()
    watch.begins(numbers, epochs)
    group = RunGroup(engine)
    histories: list[list[FoldEpoch]] = [[] for _ in numbers]
    for epoch in range(1, epochs + 1):
        seen = group.epoch(epoch)
        for history, figures in zip(histories, seen, strict=True):
            history.append(FoldEpoch(epoch, figures.metrics))
        watch.epoch(numbers, epoch, seen)
        if interrupted():  # here nothing is being computed
            raise KeyboardInterrupt
    judged, failed = group.judged(), engine.failed(group.state)
    seconds = (time.monotonic() - begun) / len(numbers)
    trained = len(engine.material.splits.train)
    return [
        Fold(number, trained, judged[run], histories[run], seconds, failed[run])
        for run, number in enumerate(numbers)
    ]
