"""What a study has found, as plain values: its trials, the best of them, the looks at the test."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cnnkit.selection.objective import objective
from cnnkit.selection.search.pareto import front
from cnnkit.selection.search.space import Chosen, Space, assignments
from cnnkit.selection.search.study import INTERRUPTED, REJECTED
from cnnkit.spec.model.search import Settings
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.record import parse

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from cnnkit.selection.search.study import Study

FORMAT: Final = 1
"""The version of the JSON that ``Results.to_dict`` gives."""

State = Literal["complete", "pruned", "failed", "rejected", "interrupted", "running", "waiting"]


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

    number: int
    state: State
    reason: str | None
    chosen: Chosen
    values: Mapping[str, float]
    best_epoch: int | None
    history: Sequence[Epoch]
    totals: Mapping[str, Any]
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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Row:
        """What ``to_dict`` gave."""
        return cls(
            number=data["trial"],
            state=data["state"],
            reason=data["reason"],
            chosen=data["choices"],
            values=data["values"],
            best_epoch=data["best_epoch"],
            history=parse(tuple[Epoch, ...], json.dumps(data["history"])),
            totals=data["totals"],
            seconds=data["seconds"],
        )


@dataclass(frozen=True)
class TrialLook:
    """One look at the test split.

    Attributes:
        number: 1 for the first.
        trial: The trial whose network was tested; None where the choices are of no trial.
        when: The time, ISO 8601.
        figures: What came out; empty where the look was begun and never came to its end.
    """

    number: int
    trial: int | None
    when: str
    figures: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The look as JSON shows it."""
        return {"look": self.number, "trial": self.trial, "when": self.when, **self.figures}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrialLook:
        """What ``to_dict`` gave."""
        figures = {key: data[key] for key in data if key not in ("look", "trial", "when")}
        return cls(data["look"], data["trial"], data["when"], figures)


@dataclass(frozen=True)
class Results:
    """A study.

    Attributes:
        name: The network's name.
        data: The data set.
        settings: How the search went about it.
        rows: The trials, in the order of their numbers.
        looks: The looks at the test split.
        paths: What was varied.
        combinations: How many combinations there are; None where there is no end.
    """

    name: str
    data: str
    settings: Settings
    rows: tuple[Row, ...]
    looks: tuple[TrialLook, ...]
    paths: tuple[str, ...]
    combinations: int | None

    @property
    def complete(self) -> list[Row]:
        """The trials that were trained to their end."""
        return [row for row in self.rows if row.state == "complete"]

    @property
    def front(self) -> list[Row]:
        """The best trial; of several objectives those that no other dominates."""
        complete = self.complete
        values = [[row.values[name] for name in self.settings.objectives] for row in complete]
        rising = [objective(name).rises for name in self.settings.objectives]
        return [complete[index] for index in front(values, rising)]

    @property
    def best(self) -> Row | None:
        """The best by the first objective."""
        return next(iter(self.front), None)

    def count(self, *states: State) -> int:
        """How many trials are in some states."""
        return sum(row.state in states for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The study as JSON shows it; every key is always there."""
        return {
            "format": FORMAT,
            "kind": "search",
            "name": self.name,
            "data": self.data,
            "settings": self.settings.model_dump(mode="json"),
            "best": self.best.to_dict() if self.best else None,
            "front": [row.number for row in self.front],
            "paths": list(self.paths),
            "combinations": self.combinations,
            "looks": [look.to_dict() for look in self.looks],
            "trials": [row.to_dict() for row in self.rows],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Results:
        """What ``to_dict`` gave."""
        return cls(
            name=data["name"],
            data=data["data"],
            settings=Settings.model_validate_json(json.dumps(data["settings"])),
            rows=tuple(map(Row.from_dict, data["trials"])),
            looks=tuple(map(TrialLook.from_dict, data["looks"])),
            paths=tuple(data["paths"]),
            combinations=data["combinations"],
        )


def results(
    study: Study,
    space: Space,
    settings: Settings,
    *,
    name: str,
    data: str,
    looks: Sequence[TrialLook],
) -> Results:
    """What a study holds at this moment."""
    return Results(
        name=name,
        data=data,
        settings=settings,
        rows=tuple(row_of(trial, space, settings) for trial in study.trials()),
        looks=tuple(looks),
        paths=tuple(space.choices),
        combinations=space.combinations,
    )


def row_of(trial: FrozenTrial, space: Space, settings: Settings) -> Row:
    """A trial of the database."""
    attributes = trial.user_attrs
    state, reason = _state(trial)
    history = parse(tuple[Epoch, ...], attributes.get("history", "[]"))
    values = dict(zip(settings.objectives, trial.values or (), strict=False))
    return Row(
        number=trial.number,
        state=state,
        reason=reason,
        chosen=space.chosen(trial.params),
        values=values if state == "complete" else {},
        best_epoch=attributes.get("best_epoch"),
        history=history,
        totals=json.loads(attributes.get("totals", "{}")),
        seconds=attributes.get("seconds"),
    )


def _state(trial: FrozenTrial) -> tuple[State, str | None]:
    from optuna.trial import TrialState

    for key, state in ((REJECTED, "rejected"), (INTERRUPTED, "interrupted"), ("failed", "failed")):
        if key in trial.user_attrs:
            return state, trial.user_attrs[key]  # type: ignore[return-value]
    names: dict[TrialState, State] = {
        TrialState.COMPLETE: "complete",
        TrialState.PRUNED: "pruned",
        TrialState.FAIL: "interrupted",
        TrialState.RUNNING: "running",
        TrialState.WAITING: "waiting",
    }
    return names[trial.state], None


def command(row: Row) -> str:
    """What trains the network of a trial by hand."""
    flags = [f"--set {shlex.quote(line)}" for line in assignments(row.chosen)]
    return " ".join(["cnnkit train SPEC", *flags])
