"""The epochs of a run, and what follows from them: the best one, and whether to stop.

The history is plain data, a mapping for each epoch, as ``metrics.jsonl`` and each checkpoint hold
it. Everything here is a function of it, so that a resumed run has nothing else to remember.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cnnkit.spec.model.training import EarlyStopping
from cnnkit.spec.model.training.train import Metric

EpochRecord = Mapping[str, Any]
"""``epoch``, ``step``, ``learning_rate``, ``train``, ``validation`` (or None) and ``time``.

``train`` and ``validation`` map metrics to numbers: ``loss`` always, and what the loss's kind of
targets has; ``time`` is the one entry that differs between two runs of one seed.
"""


def value(record: EpochRecord, metric: Metric) -> float | None:
    """A metric of the validation of an epoch; None without one, or where it is no number."""
    validation = record["validation"]
    figure = None if validation is None else validation[metric]
    return None if figure is None or not math.isfinite(figure) else float(figure)


def best(history: Sequence[EpochRecord], metric: Metric) -> EpochRecord | None:
    """The epoch with the best validation; without a validation, the last epoch.

    Of equals it is that of the lower loss, which tells more than the count of right answers, and
    of those the first.
    """
    found: EpochRecord | None = None
    for record in history:
        if found is None or _rank(record, metric) > _rank(found, metric):
            found = record
    if found is None or value(found, metric) is None:
        return history[-1] if history else None
    return found


def _rank(record: EpochRecord, metric: Metric) -> tuple[float, float]:
    """The larger the better; what is no number is the worst."""
    figure, loss = value(record, metric), value(record, "loss")
    lower = -math.inf if loss is None else -loss
    if metric == "loss" or figure is None:
        return (lower if metric == "loss" else -math.inf, lower)
    return (figure, lower)


def waited(history: Sequence[EpochRecord], metric: Metric, min_delta: float = 0.0) -> int:
    """The epochs at the end that have not improved on those before by more than a difference."""
    reference: float | None = None
    count = 0
    for record in history:
        figure = value(record, metric)
        if figure is not None and _better(figure, reference, metric, min_delta):
            reference, count = figure, 0
        else:
            count += 1
    return count


def stops_early(
    history: Sequence[EpochRecord], metric: Metric, stopping: EarlyStopping | None
) -> bool:
    """Whether the recipe's patience is at its end."""
    if stopping is None:
        return False
    return waited(history, metric, stopping.min_delta) >= stopping.patience


def _better(figure: float, than: float | None, metric: Metric, min_delta: float = 0.0) -> bool:
    if than is None:
        return True
    gain = than - figure if metric == "loss" else figure - than
    return gain > min_delta
