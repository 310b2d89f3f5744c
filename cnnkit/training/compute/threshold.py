"""Where a yes begins: a threshold that finds as much of a class as is asked for."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.training.compute.agreement import wilson

# What a recall as a fraction loses in its bits: 0.95 · 20 is 19, and not a little more.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Decision:
    """What a threshold makes of some examples.

    Attributes:
        found: Examples of the class that are called so: true positives.
        missed: Examples of the class that are not: false negatives.
        alarms: Others that are called so: false positives.
        passed: Others that are not: true negatives.
    """

    found: int
    missed: int
    alarms: int
    passed: int

    @property
    def recall(self) -> float | None:
        """Of the class, the part that is found."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def precision(self) -> float | None:
        """Of those that are called so, the part that is of the class."""
        return _ratio(self.found, self.found + self.alarms)

    @property
    def specificity(self) -> float | None:
        """Of the others, the part that is not called so."""
        return _ratio(self.passed, self.passed + self.alarms)

    @property
    def accuracy(self) -> float | None:
        """The part of the decisions that is right."""
        return _ratio(self.found + self.passed, sum(asdict(self).values()))

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        return _ratio(2 * self.found, 2 * self.found + self.missed + self.alarms)

    def to_dict(self) -> dict[str, Any]:
        """The decision as JSON takes it; None where a part is of nothing."""
        interval = wilson(self.found, self.found + self.missed)
        return {
            **asdict(self),
            "recall": self.recall,
            "recall_interval": interval and list(interval),
            "precision": self.precision,
            "specificity": self.specificity,
            "accuracy": self.accuracy,
            "f1": self.f1,
        }


def threshold_for(marks: NDArray[np.bool_], probabilities: NDArray[Any], recall: float) -> float:
    """The largest threshold by which at least a part of a class is found; equal to it is a yes.

    Args:
        marks: bool ``[N]``, which examples are of the class; some are.
        probabilities: Those of the class, ``[N]``.
        recall: The part, above 0 up to 1.
    """
    own = np.sort(np.asarray(probabilities)[marks])[::-1]
    wanted = max(math.ceil(recall * len(own) - _ROUNDING), 1)
    return float(own[wanted - 1])


def decide(marks: NDArray[np.bool_], probabilities: NDArray[Any], threshold: float) -> Decision:
    """What a threshold makes of examples; arguments as of ``threshold_for``."""
    said = np.asarray(probabilities) >= threshold
    return Decision(
        found=int((marks & said).sum()),
        missed=int((marks & ~said).sum()),
        alarms=int((~marks & said).sum()),
        passed=int((~marks & ~said).sum()),
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
