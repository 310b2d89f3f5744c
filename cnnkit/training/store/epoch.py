"""An epoch, as ``metrics.jsonl``, checkpoints and the trials of a search keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cnnkit.training.store.record import parse

Metrics: TypeAlias = Mapping[str, float | None]
"""``loss`` always, and what the targets have, such as ``accuracy``; None for what is no number."""


@dataclass(frozen=True)
class Epoch:
    """What came of an epoch.

    Attributes:
        epoch: Its number, from 1.
        train: The metrics over the training examples, as the network saw them in training.
        validation: Those over the examples held out; None without any.
    """

    epoch: int
    train: Metrics
    validation: Metrics | None

    def to_dict(self) -> dict[str, Any]:
        """The epoch as JSON takes it."""
        return {"epoch": self.epoch, "train": self.train, "validation": self.validation}


@dataclass(frozen=True)
class RunEpoch(Epoch):
    """An epoch of a run, which is kept with what it took.

    Attributes:
        step: The steps done since the start of the run.
        learning_rate: That of its last step; None where it is not known.
        time: The seconds of each phase and in ``total``; ``images_per_second``, which is None
            where an earlier process has trained all of it; ``peak_bytes``, what a device has
            held at most so far, of a CPU what the process has; and ``waiting``, the seconds of
            ``device`` in which it had nothing to do but wait for data, None where all data are on
            it. The one entry that differs between
            two runs of one seed.
    """

    step: int = 0
    learning_rate: float | None = None
    time: Metrics = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The epoch as JSON takes it."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "learning_rate": self.learning_rate,
            "train": self.train,
            "validation": self.validation,
            "time": self.time,
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> RunEpoch:
        """What ``to_dict`` gave, in JSON.

        Raises:
            DamagedRecordError: It is something else.
        """
        return parse(cls, text)
