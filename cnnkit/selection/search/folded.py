"""`search --folds K`: each trial is judged over K folds, by the mean of all of them.

A validation split of a few hundred examples says little about small differences; over the folds
each of the training and validation examples judges once, by a network that never saw it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from cnnkit.selection.folds.cross_validation import cut, group_size, parts
from cnnkit.selection.folds.grouping import side_by_side
from cnnkit.selection.folds.runs import Figures, Part, Runs
from cnnkit.selection.material import Open, recipe
from cnnkit.selection.search.evaluation import Evaluator
from cnnkit.selection.search.hunt import Outcome, Stop
from cnnkit.spec.model.spec import Spec
from cnnkit.training.store.history import stops_early


@dataclass
class FoldedEvaluator(Evaluator):
    """Trains the networks of a search on each fold's training examples, epoch by epoch.

    Attributes:
        parts: The examples of each fold.
    """

    parts: Sequence[Part] = ()

    def _trained(self, spec: Spec, stop: Stop) -> Outcome:
        train = recipe(spec)
        runs = Runs(spec, train, self._dataset(spec), self.parts, self.device)
        size = group_size(len(self.parts), side_by_side(spec, train, self.device))
        groups = [
            runs.group(self.parts[start : start + size])
            for start in range(0, len(self.parts), size)
        ]
        history: list[Mapping[str, Any]] = []
        for epoch in range(1, train.epochs + 1):
            figures = [each for group in groups for each in group.epoch()]
            failed = [step for group in groups for step in group.failed() if step is not None]
            if failed:
                reason = f"step {failed[0] + 1:,} gave a loss or a gradient that is no number"
                return Outcome(history, failed=reason)
            judged = [each for group in groups for each in group.judge()]
            validation = mean_of(judged)
            record = {"epoch": epoch, "train": mean_of(figures), "validation": validation}
            if validation["loss"] is None:
                return Outcome(history, failed=f"the validation of epoch {epoch} is no number")
            history.append(record)
            if stop(record):
                return Outcome(history, pruned=True)
            if stops_early(history, train.monitor, train.early_stopping):
                break
        return Outcome(history)


def mean_of(figures: Sequence[Figures]) -> dict[str, float | None]:
    """The mean of each metric over runs; None where one of them has none."""
    found: dict[str, float | None] = {}
    for name in figures[0].metrics:
        values = [each.metrics[name] for each in figures]
        whole = [value for value in values if value is not None]
        found[name] = sum(whole) / len(whole) if len(whole) == len(values) else None
    return found


def folded_evaluator(
    data: Open, spec: Spec, device: jax.Device, data_dir: Path | None, count: int
) -> FoldedEvaluator:
    """The evaluator of a search over so many folds of the training and validation examples.

    Raises:
        DataError: A class has too few examples.
    """
    train = recipe(spec)
    each = parts(data, cut(data, count, train), train.seed)
    splits = data.splits
    return FoldedEvaluator(
        splits.train, splits.validation, device, data_dir, {spec.input: data.dataset}, parts=each
    )
