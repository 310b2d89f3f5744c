"""What a run came to, as ``summary.json`` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from cnnkit.training.store.epoch import Metrics

FORMAT: Final = 1
"""The version of ``summary.json``."""

Ending = Literal["epochs", "early stopping", "time limit", "interrupted"]
Verdict = Literal[
    "under-fitted", "over-fitted", "balanced", "no-skill", "imbalanced", "undetermined"
]

Measured: TypeAlias = Mapping[str, Any]
"""All figures of a split: ``examples`` and the metrics; where there are classes ``majority``,
``confusion`` and, as ``classes``, the figures of each."""


@dataclass(frozen=True)
class Diagnosis:
    """What a run says of itself.

    Attributes:
        verdict: In a word.
        reason: Why, with the numbers.
        advice: The next steps, the most promising first.
        stop_at: The epoch after which the validation got worse, where it did.
    """

    verdict: Verdict
    reason: str
    advice: tuple[str, ...]
    stop_at: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON takes it."""
        return {**asdict(self), "advice": list(self.advice)}


@dataclass(frozen=True)
class Summary:
    """What a run came to; what a file of an earlier version does not say is as by default.

    Attributes:
        data: The data set.
        ending: Why the run ended.
        epochs: How many were trained.
        steps: The steps of them.
        updates: How often the weights were changed.
        best_epoch: The epoch whose weights are kept.
        monitor: The metric that it was chosen by.
        training: The metrics over the training split, by the weights of the last epoch.
        validation: What was measured on the validation split, by the weights that are kept.
        test: The same of the test split; None where that stays sealed.
        sealed: The examples of a test split that was not opened.
        seconds: How long the run trained, in all its processes.
        diagnosis: What it says of itself.
    """

    data: str | None = None
    ending: Ending | None = None
    epochs: int = 0
    steps: int = 0
    updates: int = 0
    best_epoch: int | None = None
    monitor: str | None = None
    training: Metrics | None = None
    validation: Measured | None = None
    test: Measured | None = None
    sealed: int = 0
    seconds: float | None = None
    diagnosis: Diagnosis | None = None

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON takes it; every key is always there."""
        return {
            "format": FORMAT,
            "data": self.data,
            "ending": self.ending,
            "epochs": self.epochs,
            "steps": self.steps,
            "updates": self.updates,
            "best_epoch": self.best_epoch,
            "monitor": self.monitor,
            "training": self.training,
            "validation": self.validation,
            "test": self.test,
            "sealed": self.sealed,
            "seconds": self.seconds,
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_dict(),
        }
