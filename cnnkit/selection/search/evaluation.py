"""What trains the network of a trial: on the training split, judged on the validation split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from cnnkit.data.dataset import Indices
from cnnkit.errors import DataError, LayerError, TrainingError, UsageError
from cnnkit.folders import StrPath
from cnnkit.selection.recipe import recipe
from cnnkit.selection.search.hunt import Outcome, Stop
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.figures import Figures, figures, of_totals, recalls_of
from cnnkit.training.compute.state import State
from cnnkit.training.engine import Engine, machine, on_host
from cnnkit.training.failures import memory_in_the_users_terms
from cnnkit.training.prepare.batch_size import fitting
from cnnkit.training.prepare.device import usable
from cnnkit.training.prepare.sealed import Part, Sealed, sealed
from cnnkit.training.store.history import stops_early
from cnnkit.training.view.display import Quiet


@dataclass
class Evaluator:
    """Trains the networks of a search, all on the same examples.

    Attributes:
        train: The indices of those that are trained on.
        validation: The indices of those that a trial is judged on.
        devices: Where the networks are trained.
        data_dir: Where published data sets lie.
        seen: The data set at each shape of the input.
        objectives: What trials are chosen by: of the recalls of single classes none is measured
            that is not asked for.
    """

    train: Indices
    validation: Indices
    devices: Sequence[jax.Device]
    data_dir: StrPath | None
    seen: dict[tuple[int, ...], Sealed] = field(default_factory=dict)
    objectives: tuple[str, ...] = ()

    def __call__(self, spec: Spec, stop: Stop) -> Outcome:
        """Trains a network for the epochs of its recipe, or until it lags behind."""
        try:
            return self._trained(spec, stop)
        except (DataError, LayerError, TrainingError) as error:
            return Outcome([], failed=str(error))

    def _trained(self, spec: Spec, stop: Stop) -> Outcome:
        train = recipe(spec)
        with memory_in_the_users_terms(train, self.devices):
            engine = self._engine(spec, train, Part(self.train, self.validation, train.seed))
            wanted = self._recalls(engine, train)
            state = engine.start()
            engine.compile(state, ("validation",))
            history: list[Mapping[str, Any]] = []
            for epoch in range(1, train.epochs + 1):
                state = engine.epoch(state, epoch)
                (failed,) = engine.failed(state)
                if failed is not None:
                    reason = f"step {failed + 1:,} gave a loss or a gradient that is no number"
                    return Outcome(history, failed=reason)
                seen, judged = figures(on_host(state.totals)), self._judged(engine, state, wanted)
                if judged.metrics["loss"] is None:
                    return Outcome(history, failed=f"the validation of epoch {epoch} is no number")
                record = {"epoch": epoch, "train": seen, "validation": dict(judged.metrics)}
                history.append(record)
                if stop(record):
                    return Outcome(history, pruned=True)
                if stops_early(history, train.monitor, train.early_stopping):
                    break
            return Outcome(history)

    def _recalls(self, engine: Engine, train: Train) -> dict[str, int]:
        """The recalls of single classes that the best epoch or the best trial is chosen by."""
        asked = (*self.objectives, train.monitor)
        classes = engine.material.dataset.classes
        return recalls_of(asked, classes, max(engine.steps.classes, 2))

    def judge(self, spec: Spec, epochs: int, held: Indices) -> Figures:
        """Trains a network on training and validation examples, and judges it on others."""
        train = recipe(spec)
        both = np.sort(np.concatenate([self.train, self.validation]))
        with memory_in_the_users_terms(train, self.devices):
            engine = self._engine(spec, train, Part(both, held, train.seed))
            state = engine.start()
            engine.compile(state, ("validation",))
            for epoch in range(1, epochs + 1):
                state = engine.epoch(state, epoch)
            return self._judged(engine, state)

    def _engine(self, spec: Spec, train: Train, part: Part) -> Engine:
        material = self._data(spec).material(spec, train, part)
        fitted = fitting(train, len(part.train))
        devices = usable(self.devices, int(fitted.batch_size), Quiet())
        return machine(spec, fitted, [material], devices)

    def _judged(self, engine: Engine, state: State, recalls: Mapping[str, int] = {}) -> Figures:
        totals = engine.evaluate(state, "validation", lambda: False)
        (found,) = engine.each(totals)
        return of_totals(found, recalls)

    def _data(self, spec: Spec) -> Sealed:
        """The data set at the shape that a network takes."""
        if spec.input not in self.seen:
            self.seen[spec.input] = sealed(spec, recipe(spec), self.data_dir)
        return self.seen[spec.input]


def evaluator(
    data: Sealed,
    spec: Spec,
    devices: Sequence[jax.Device],
    data_dir: StrPath | None,
    objectives: tuple[str, ...],
) -> Evaluator:
    """The evaluator of a search on the splits of its spec.

    Raises:
        UsageError: There is no validation split to judge by.
    """
    if not len(data.splits.validation):
        raise UsageError(
            "a search is scored on the validation split, and `split` has `validation: 0`: hold "
            "some examples back, `split: {validation: 0.15}`"
        )
    return Evaluator(
        data.splits.train,
        data.splits.validation,
        devices,
        data_dir,
        {spec.input: data},
        objectives,
    )
