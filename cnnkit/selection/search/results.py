"""What a study has found, as plain values: its trials, the best of them, the looks at the test."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from cnnkit.selection.objective import objective
from cnnkit.selection.search.pareto import front
from cnnkit.selection.search.row import Row, TrialStatus, row_of
from cnnkit.selection.search.space import Space, assignments
from cnnkit.spec.model.search import SearchSettings
from cnnkit.training.store.record import parse

if TYPE_CHECKING:
    from cnnkit.selection.search.study import Study

FORMAT: Final = 1
"""The version of the JSON that ``Results.to_dict`` gives."""


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
        """What ``to_dict`` gave.

        Raises:
            DamagedRecordError: It is something else.
        """
        head = parse(_LookHead, json.dumps(data))
        figures = {key: data[key] for key in data if key not in ("look", "trial", "when")}
        return cls(head.look, head.trial, head.when, parse(dict[str, float], json.dumps(figures)))


@dataclass(frozen=True)
class _LookHead:
    """What stands beside the figures of a look, which are beside it in its JSON."""

    look: int
    trial: int | None
    when: str


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
        importance: The part of the differences that each path explains; empty where not known.
    """

    name: str
    data: str
    settings: SearchSettings
    rows: tuple[Row, ...]
    looks: tuple[TrialLook, ...]
    paths: tuple[str, ...]
    combinations: int | None
    importance: Mapping[str, float] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """The search as a notebook shows it."""
        # By its name: what shows results is above them, and is loaded where one is shown.
        shown: str = import_module("cnnkit.selection.view.notebook").search_html(self)
        return shown

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

    def count(self, *states: TrialStatus) -> int:
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
            "importance": dict(self.importance),
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> Results:
        """What ``to_dict`` gave, in JSON.

        Raises:
            DamagedRecordError: It is something else.
        """
        file = parse(_File, text)
        chosen = dict.fromkeys(path for row in file.trials for path in row.chosen)
        return cls(
            name=file.name,
            data=file.data,
            settings=file.settings,
            rows=file.trials,
            looks=tuple(map(TrialLook.from_dict, file.looks)),
            paths=tuple(chosen) if file.paths is None else file.paths,
            combinations=file.combinations,
            importance=file.importance,
        )


@dataclass(frozen=True)
class _File:
    """A study as JSON has it; what follows from the trials is not read."""

    name: str
    data: str
    settings: SearchSettings
    trials: tuple[Row, ...]
    looks: tuple[dict[str, Any], ...]
    paths: tuple[str, ...] | None = None
    combinations: int | None = None
    importance: Mapping[str, float] = field(default_factory=dict)


def results(
    study: Study,
    space: Space,
    settings: SearchSettings,
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


def command(row: Row) -> str:
    """What trains the network of a trial by hand."""
    flags = [f"--set {shlex.quote(line)}" for line in assignments(row.chosen)]
    return " ".join(["cnnkit train SPEC", *flags])
