"""How far a run is, and the figures of an epoch as texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnkit.presentation.numbers import duration
from cnnkit.tasks.metric import followed, metric_of
from cnnkit.training.store.epoch import RunEpoch


@dataclass(frozen=True)
class RunPlan:
    """What is about to be done.

    Attributes:
        epochs: The epochs at most.
        steps_per_epoch: The steps of each.
        batch_size: The examples of a step.
        monitor: The metric that says which epoch is the best.
    """

    epochs: int
    steps_per_epoch: int
    batch_size: int
    monitor: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: The steps done since the start of the run.
        loss: The mean loss of the epoch's examples so far.
        accuracy: The accuracy of the same, None where there are no classes.
        images_per_second: The speed since the process began to train, without compilation.
    """

    step: int
    loss: float
    accuracy: float | None
    images_per_second: float


def figures_of(record: RunEpoch, monitor: str | None = None) -> dict[str, str]:
    """The figures of an epoch as texts by their names."""
    figures = _metrics("", record.train, monitor)
    if record.validation is not None:
        figures |= _metrics("val ", record.validation, monitor)
    pace = record.time["images_per_second"]  # None where an earlier process has trained all of it
    waiting = record.time.get("waiting")  # None where the data are on the device
    return {
        **figures,
        "rate": "–" if record.learning_rate is None else f"{record.learning_rate:.3g}",
        "images/s": "–" if pace is None else f"{pace:,.0f}",
        "time": duration((record.time["total"] or 0) - (record.time["compile"] or 0)),
        **({} if waiting is None else {"data wait": duration(waiting)}),
    }


def place(step: int, plan: RunPlan) -> tuple[int, int]:
    """The epoch, from 1, and the step within it after so many steps of a run."""
    epoch, within = divmod(step, plan.steps_per_epoch)
    if within == 0 and epoch:
        return epoch, plan.steps_per_epoch
    return epoch + 1, within


def left(progress: Progress, plan: RunPlan) -> str:
    """The time that the steps to come will take at the speed so far."""
    images = (plan.epochs * plan.steps_per_epoch - progress.step) * plan.batch_size
    return duration(images / max(progress.images_per_second, 1e-9))


def _metrics(prefix: str, metrics: Mapping[str, Any], monitor: str | None) -> dict[str, str]:
    return {
        prefix + name: metric_of(name).shown(metrics[name])
        for name in followed(metrics, monitor)
        if metrics[name] is not None
    }
