"""A trial, as the database of its study keeps it and as a row of results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from cnnkit.errors import TrainingError
from cnnkit.selection.search.marks import FAILED, INTERRUPTED, REJECTED
from cnnkit.selection.search.space import Chosen, Space
from cnnkit.spec.model.search import SearchSettings
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.record import DamagedRecordError, parse

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class TrialRecord:
    """What came of the training of a trial; the attributes are those of its study's database.

    Attributes:
        best_epoch: The epoch with the best validation.
        history: Its epochs.
        totals: The totals of its network.
        seconds: How long it took.
        failed: Why it could not go on.
    """

    best_epoch: int | None = None
    history: tuple[Epoch, ...] = ()
    totals: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    failed: str | None = None

    def attributes(self) -> dict[str, Any]:
        """What the database keeps: lists and mappings as JSON."""
        return {
            "best_epoch": self.best_epoch,
            "history": json.dumps([epoch.to_dict() for epoch in self.history]),
            "totals": json.dumps(self.totals),
            "seconds": self.seconds,
            **({FAILED: self.failed} if self.failed else {}),
        }

    @classmethod
    def of(cls, trial: FrozenTrial) -> TrialRecord:
        """What the database has of a trial; of one that was not trained next to nothing.

        Raises:
            TrainingError: It is damaged.
        """
        kept = trial.user_attrs
        try:
            return cls(
                kept.get("best_epoch"),
                parse(tuple[Epoch, ...], kept.get("history", "[]")),
                parse(dict[str, int], kept.get("totals", "{}")),
                kept.get("seconds"),
                kept.get(FAILED),
            )
        except DamagedRecordError as error:
            raise TrainingError(f"trial {trial.number} of the study is damaged: {error}") from None


TrialStatus = Literal[
    "complete", "pruned", "failed", "rejected", "interrupted", "running", "waiting"
]


@dataclass(frozen=True)
class Row:
    """A trial.

    Attributes:
        number: Its number in the study.
        state: What became of it.
        reason: Why it was rejected, failed or interrupted.
        chosen: Its choices.
        values: Its value of each objective; of a pruned one, of none.
        best_epoch: The epoch with the best validation.
        history: Its epochs.
        totals: The totals of its network.
        seconds: How long it took.
    """

    number: Annotated[int, Field(alias="trial")]
    state: TrialStatus
    reason: str | None
    chosen: Annotated[Chosen, Field(alias="choices")]
    values: Mapping[str, float]
    best_epoch: int | None
    history: tuple[Epoch, ...]
    totals: Mapping[str, int]
    seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """The trial as JSON shows it; every key is always there."""
        return {
            "trial": self.number,
            "state": self.state,
            "reason": self.reason,
            "choices": dict(self.chosen),
            "values": dict(self.values),
            "best_epoch": self.best_epoch,
            "history": [epoch.to_dict() for epoch in self.history],
            "totals": dict(self.totals),
            "seconds": self.seconds,
        }


def row_of(trial: FrozenTrial, space: Space, settings: SearchSettings) -> Row:
    """A trial of the database.

    Raises:
        TrainingError: What the database holds of it is damaged.
    """
    state, reason = _state(trial)
    trained = TrialRecord.of(trial)
    values = dict(zip(settings.objectives, trial.values or (), strict=False))
    return Row(
        number=trial.number,
        state=state,
        reason=reason,
        chosen=space.chosen(trial.params),
        values=values if state == "complete" else {},
        best_epoch=trained.best_epoch,
        history=trained.history,
        totals=trained.totals,
        seconds=trained.seconds,
    )


def _state(trial: FrozenTrial) -> tuple[TrialStatus, str | None]:
    from optuna.trial import TrialState

    for key, state in ((REJECTED, "rejected"), (INTERRUPTED, "interrupted"), (FAILED, "failed")):
        if key in trial.user_attrs:
            return state, trial.user_attrs[key]  # type: ignore[return-value]
    names: dict[TrialState, TrialStatus] = {
        TrialState.COMPLETE: "complete",
        TrialState.PRUNED: "pruned",
        TrialState.FAIL: "interrupted",
        TrialState.RUNNING: "running",
        TrialState.WAITING: "waiting",
    }
    return names[trial.state], None
