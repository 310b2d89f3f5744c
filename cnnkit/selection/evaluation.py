"""What trains the network of a trial: on the training split, judged on the validation split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from cnnkit.data import Dataset
from cnnkit.data.dataset import Indices
from cnnkit.errors import DataError, LayerError, TrainingError, UsageError
from cnnkit.selection.material import Open, opened, recipe
from cnnkit.selection.runs import Figures, Part, Runs
from cnnkit.selection.search import Outcome, Stop
from cnnkit.spec.model import Spec
from cnnkit.spec.training import Data
from cnnkit.spec.training.location import located
from cnnkit.training.history import stops_early


@dataclass
class Evaluator:
    """Trains the networks of a search, all on the same examples.

    Attributes:
        train: The indices of those that are trained on.
        validation: The indices of those that a trial is judged on.
        device: Where the networks are trained.
        data_dir: Where published data sets lie.
        seen: The data set at each shape of the input.
        source: The data, by their whole paths.
    """

    train: Indices
    validation: Indices
    device: jax.Device
    data_dir: Path | None
    seen: dict[tuple[int, ...], Dataset] = field(default_factory=dict)
    source: Data | None = None

    def __call__(self, spec: Spec, stop: Stop) -> Outcome:
        """Trains a network for the epochs of its recipe, or until it lags behind."""
        try:
            return self._trained(spec, stop)
        except (DataError, LayerError, TrainingError) as error:
            return Outcome([], failed=str(error))
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            return Outcome([], failed=f"the memory of {self.device.device_kind} does not suffice")

    def _trained(self, spec: Spec, stop: Stop) -> Outcome:
        train = recipe(spec)
        part = Part(self.train, self.validation, train.seed)
        group = Runs(spec, train, self._dataset(spec), [part], self.device).group([part])
        history: list[Mapping[str, Any]] = []
        for epoch in range(1, train.epochs + 1):
            (figures,) = group.epoch()
            (failed,) = group.failed()
            if failed is not None:
                reason = f"step {failed + 1:,} gave a loss or a gradient that is no number"
                return Outcome(history, failed=reason)
            (judged,) = group.judge()
            if judged.metrics["loss"] is None:
                return Outcome(history, failed=f"the validation of epoch {epoch} is no number")
            record = {
                "epoch": epoch,
                "train": dict(figures.metrics),
                "validation": dict(judged.metrics),
            }
            history.append(record)
            if stop(record):
                return Outcome(history, pruned=True)
            if stops_early(history, train.monitor, train.early_stopping):
                break
        return Outcome(history)

    def judge(self, spec: Spec, epochs: int, held: Indices) -> Figures:
        """Trains a network on training and validation examples, and judges it on others."""
        import numpy as np

        train = recipe(spec).model_copy(update={"epochs": epochs, "early_stopping": None})
        part = Part(np.sort(np.concatenate([self.train, self.validation])), held, train.seed)
        group = Runs(spec, train, self._dataset(spec), [part], self.device).group([part])
        for _ in range(epochs):
            group.epoch()
        (judged,) = group.judge()
        return judged

    def _dataset(self, spec: Spec) -> Dataset:
        """The data set at the shape that a network takes."""
        if spec.input not in self.seen:
            train = recipe(spec)
            placed = train.model_copy(update={"data": self.source or train.data})
            network = spec.model_copy(update={"train": placed})
            self.seen[spec.input] = opened(network, placed, self.data_dir).dataset
        return self.seen[spec.input]


def evaluator(data: Open, spec: Spec, device: jax.Device, data_dir: Path | None) -> Evaluator:
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
        device,
        data_dir,
        {spec.input: data.dataset},
        located(spec).data,
    )
