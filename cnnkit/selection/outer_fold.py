"""What a nested search came to in its outer folds, as their files keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from cnnkit.training.store.epoch import Metrics


@dataclass(frozen=True)
class OuterFold:
    """What a search came to on an outer fold; the attributes are the keys of its file.

    Attributes:
        fold: Its number, from 0.
        trial: The trial that was best on the inner validation.
        choices: What it chose.
        epochs: For how many epochs it was retrained.
        validation: The value of each objective that chose it.
        metrics: Its metrics on the examples held out.
        examples: How many these were.
    """

    fold: int
    trial: int
    choices: Mapping[str, Any]
    epochs: int
    validation: Mapping[str, float]
    metrics: Metrics
    examples: int


@dataclass(frozen=True)
class Nested:
    """A nested cross-validation; the attributes are the keys of its file.

    Attributes:
        name: The network's name.
        data: The data set.
        count: How many outer folds there are.
        folds: Those that have been judged.
        sealed: How many examples of a test split were not looked at.
    """

    name: str
    data: str
    count: int
    folds: tuple[OuterFold, ...]
    sealed: int

    def _repr_html_(self) -> str:
        """The search as a notebook shows it."""
        # By its name: what shows results is above them, and is loaded where one is shown.
        shown: str = import_module("cnnkit.selection.view.notebook").nested_html(self)
        return shown
