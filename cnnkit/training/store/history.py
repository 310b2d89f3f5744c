"""The epochs of a run, and what follows from them: the best one, and whether to stop.

Everything here is a function of the epochs alone, so that a resumed run has nothing else to
remember.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from cnnkit.spec.model.training import EarlyStopping
from cnnkit.tasks.metric import metric_of
from cnnkit.training.store.epoch import Epoch

E = TypeVar("E", bound=Epoch)


def value(record: Epoch, metric: str) -> float | None:
    """A metric of the validation of an epoch; None without one, or where it is no number."""
    figure = (record.validation or {}).get(metric)
    return None if figure is None or not math.isfinite(figure) else float(figure)


def best(history: Sequence[E], metric: str) -> E | None:
    """The epoch with the best validation; without a validation, the last epoch.

    Of equals it is that of the lower loss, which tells more than the count of right answers, and
    of those the first.
    """
    found: E | None = None
    for record in history:
        if found is None or _rank(record, metric) > _rank(found, metric):
            found = record
    if found is None or value(found, metric) is None:
        return history[-1] if history else None
    return found


def _rank(record: Epoch, metric: str) -> tuple[float, float]:
    """The larger the better; what is no number is the worst."""
    first, second = (metric_of(name).rank(value(record, name)) for name in (metric, "loss"))
    return first, second


def waited(history: Sequence[Epoch], metric: str, min_delta: float = 0.0) -> int:
    """The epochs at the end that have not improved on those before by more than a difference."""
    reference: float | None = None
    count = 0
    for record in history:
        rank = metric_of(metric).rank(value(record, metric))
        if rank > -math.inf and (reference is None or rank - reference > min_delta):
            reference, count = rank, 0
        else:
            count += 1
    return count


def stops_early(history: Sequence[Epoch], metric: str, stopping: EarlyStopping | None) -> bool:
    """Whether the recipe's patience is at its end."""
    if stopping is None:
        return False
    return waited(history, metric, stopping.min_delta) >= stopping.patience
