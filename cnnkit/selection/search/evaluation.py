"""What trains the network of a trial: on the training split, judged on the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import jax
import numpy as np

from cnnkit.data.dataset import Indices
from cnnkit.errors import DataError, LayerError, TrainingError, UsageError
from cnnkit.folders import StrPath
from cnnkit.network.weights import Arrays
from cnnkit.selection.folds.cross_validation import cut, parts
from cnnkit.selection.folds.grouping import side_by_side
from cnnkit.selection.recipe import recipe
from cnnkit.selection.run_group import RunGroup, group_size, of_equal_size
from cnnkit.selection.search.trials import Outcome, Stop
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.figures import Figures
from cnnkit.training.distributed.mesh import usable
from cnnkit.training.engine import Engine, machine
from cnnkit.training.failures import memory_in_the_users_terms
from cnnkit.training.prepare.batch_size import fitted
from cnnkit.training.prepare.initial import InitialWeights, source_of
from cnnkit.training.prepare.material import recalls_in
from cnnkit.training.prepare.resolution import shapes_of
from cnnkit.training.prepare.sealed import RunExamples, Sealed, sealed
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.history import stops_early
from cnnkit.training.view.display import Quiet


@dataclass
class Evaluator:
    """Trains the networks of a search, all on the same examples.

    Attributes:
        parts: What a trial is trained and judged on: one part, or a fold each, of which its figures
            are then the mean.
        devices: Where the networks are trained.
        data_dir: Where published data sets lie.
        seen: The data set at each shape of the inputs.
        objectives: What trials are chosen by: of the recalls of single classes none is measured
            that is not asked for.
        sources: The weights that networks begin with, by the path in their recipe.
    """

    parts: Sequence[RunExamples]
    devices: Sequence[jax.Device]
    data_dir: StrPath | None
    seen: dict[tuple[tuple[int, ...], ...], Sealed] = field(default_factory=dict)
    objectives: tuple[str, ...] = ()
    sources: dict[str | None, InitialWeights | None] = field(default_factory=dict)

    def __call__(self, spec: Spec, stop: Stop) -> Outcome:
        """Trains a network for the epochs of its recipe, or until it lags behind."""
        try:
            with memory_in_the_users_terms(recipe(spec), self.devices):
                return self._trained(spec, stop)
        except (DataError, LayerError, TrainingError) as error:
            return Outcome([], failed=str(error))

    def _trained(self, spec: Spec, stop: Stop) -> Outcome:
        train = recipe(spec)
        groups = self._groups(spec, train)
        history: list[Epoch] = []
        for epoch in range(1, train.epochs + 1):
            seen = [figures for group in groups for figures in group.epoch(epoch)]
            failed = [step for group in groups for step in group.failed()]
            if failed:
                reason = f"step {failed[0] + 1:,} gave a loss or a gradient that is no number"
                return Outcome(history, failed=reason)
            judged = [figures for group in groups for figures in group.judged()]
            validation = mean_of(judged)
            record = Epoch(epoch, mean_of(seen), validation)
            if validation["loss"] is None:
                return Outcome(history, failed=f"the validation of epoch {epoch} is no number")
            history.append(record)
            if stop(record):
                return Outcome(history, pruned=True)
            if stops_early(history, train.monitor, train.early_stopping):
                break
        return Outcome(history)

    def judge(self, spec: Spec, epochs: int, held: Indices) -> Figures:
        """Trains a network on training and validation examples, and judges it on others."""
        train = recipe(spec)
        both = np.sort(np.concatenate([self.parts[0].train, self.parts[0].held]))
        with memory_in_the_users_terms(train, self.devices):
            group = RunGroup(self._engine(spec, train, [RunExamples(both, held, train.seed)]))
            for epoch in range(1, epochs + 1):
                group.epoch(epoch)
            (judged,) = group.judged()
        return judged

    def _groups(self, spec: Spec, train: Train) -> list[RunGroup]:
        """The runs of a trial, as many side by side as the device is good for."""
        parts = self.parts
        if len(parts) == 1:
            parts = [parts[0]._replace(seed=train.seed)]
        fits = self._data(spec).dataset.fits_on_device()
        width = side_by_side(spec, train, self.devices[0]) if fits else 1
        found = []
        for numbers in of_equal_size(parts, range(len(parts))):
            size = group_size(len(numbers), width)
            engine: Engine | None = None
            for start in range(0, len(numbers), size):
                group = [parts[number] for number in numbers[start : start + size]]
                engine = engine or self._engine(spec, train, group)
                materials = [self._data(spec).material(spec, train, part) for part in group]
                found.append(RunGroup(engine, materials, self._recalls(engine, train)))
        return found

    def _engine(self, spec: Spec, train: Train, parts: Sequence[RunExamples]) -> Engine:
        materials = [self._data(spec).material(spec, train, part) for part in parts]
        batched = fitted(train, len(parts[0].train))
        devices = usable(self.devices, batched, Quiet())
        return machine(spec, batched, materials, devices, self._init(spec, train))

    def _init(self, spec: Spec, train: Train) -> Arrays | None:
        """What fits this network of the weights that its recipe names."""
        if train.init not in self.sources:
            self.sources[train.init] = source_of(spec)
        source = self.sources[train.init]
        return None if source is None else source.fitting(spec).arrays

    def _recalls(self, engine: Engine, train: Train) -> dict[str, int]:
        """The recalls of single classes that the best epoch or the best trial is chosen by."""
        asked = (*self.objectives, train.monitor)
        return recalls_in(asked, engine.material.dataset, engine.steps.objective.outputs)

    def _data(self, spec: Spec) -> Sealed:
        """The data set at the shape that a network takes."""
        shapes = shapes_of(spec)
        if shapes not in self.seen:
            self.seen[shapes] = sealed(spec, recipe(spec), self.data_dir)
        return self.seen[shapes]


def mean_of(figures: Sequence[Figures]) -> dict[str, float | None]:
    """The mean of each metric over runs; None where one of them has none."""
    found: dict[str, float | None] = {}
    for name in figures[0].metrics:
        values = [each.metrics[name] for each in figures]
        whole = [value for value in values if value is not None]
        found[name] = sum(whole) / len(whole) if len(whole) == len(values) else None
    return found


def evaluator(
    data: Sealed,
    spec: Spec,
    devices: Sequence[jax.Device],
    data_dir: StrPath | None,
    objectives: tuple[str, ...],
    folds: int | None = None,
) -> Evaluator:
    """The evaluator of a search: on the splits of its spec, or over folds of the open examples.

    A validation split of a few hundred examples says little about small differences; over the folds
    each of the training and validation examples judges once, by a network that never saw it.

    Raises:
        UsageError: There is no validation split to judge by.
        DataError: A class has too few examples for so many folds.
    """
    train = recipe(spec)
    seen = {shapes_of(spec): data}
    if folds is not None:
        each = parts(data, cut(data, folds, train), train.seed)
        return Evaluator(each, devices, data_dir, seen, objectives)
    if not len(data.splits.validation):
        raise UsageError(
            "a search is scored on the validation split, and `split` has `validation: 0`: hold "
            "some examples back, `split: {validation: 0.15}`"
        )
    part = RunExamples(data.splits.train, data.splits.validation, train.seed)
    return Evaluator([part], devices, data_dir, seen, objectives)
