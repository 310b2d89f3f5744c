"""How well scores rank: the curves over all thresholds, and the areas below them.

A class is told from all others, "one versus rest", so that each has curves of its own; the area of
several classes or labels is the mean over those that some examples have and some have not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cnnkit.tasks.task import Task

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
Area = Callable[[Marks, Floats], float]
"""Of one class: which examples are of it, and what is said of each."""


_OF_TWO: Final[tuple[Task, ...]] = ("binary", "pairs")


@dataclass(frozen=True)
class Answers:
    """What a network says of examples whose targets are known, on the host.

    Attributes:
        probabilities: ``[N, K]``: of the classes, of two for a single output, or of the labels.
        marks: bool ``[N, K]``, which classes or labels each example has.
        task: ``classes``, ``binary``, ``labels`` or ``pairs``.
    """

    probabilities: Floats
    marks: Marks
    task: Task

    @classmethod
    def of(cls, probabilities: NDArray[Any], targets: NDArray[Any], task: Task) -> Answers:
        """Those of probabilities ``[N, K]``, or ``[N, 1]`` of a yes, and targets.

        Args:
            probabilities: What the network says.
            targets: Classes, int ``[N]``, or their probabilities ``[N, K]``; of labels yes and no
                ``[N, K]``.
            task: What they are.
        """
        said = np.asarray(probabilities, np.float64)
        if said.shape[1] == 1:
            yes = np.asarray(targets).reshape(len(said)) > 0.5
            both = np.concatenate([1 - said, said], 1)
            marks = np.stack([~yes, yes], 1)
            return cls(both, marks, "pairs" if task == "pairs" else "binary")
        if task == "labels":
            return cls(said, targets > 0.5, task)
        classes = targets if targets.ndim == 1 else targets.argmax(1)
        return cls(said, np.arange(said.shape[1]) == classes[:, None], "classes")

    @cached_property
    def sound(self) -> bool:
        """Whether all probabilities are numbers."""
        return bool(np.isfinite(self.probabilities).all())

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The class that is answered, ``[N]``; of a single output a tie is a no, as of scores."""
        if self.task in _OF_TWO:
            return (self.probabilities[:, 1] > 1 / 2).astype(np.int64)
        best: NDArray[np.int64] = self.probabilities.argmax(1)
        return best

    @property
    def judged(self) -> list[int]:
        """The classes or labels that curves say something of: of a single output the yes."""
        found = np.flatnonzero(self.marks.any(0) & ~self.marks.all(0)).tolist()
        return [index for index in found if self.task not in _OF_TWO or index]

    def mean(self, area: Area) -> float:
        """The mean of an area over the classes or labels; NaN where none has one."""
        every = self.each(area)
        found = [value for index in self.judged if (value := every[index]) is not None]
        return sum(found) / len(found) if found else math.nan

    def each(self, area: Area) -> list[float | None]:
        """An area for each class or label; None where it says nothing."""
        if area not in self._areas:
            found: list[float | None] = [None] * self.probabilities.shape[1]
            if self.sound:
                for index in np.flatnonzero(self.marks.any(0) & ~self.marks.all(0)):
                    found[index] = area(self.marks[:, index], self.probabilities[:, index])
            self._areas[area] = found
        return self._areas[area]

    @cached_property
    def _areas(self) -> dict[Area, list[float | None]]:
        return {}


def roc_area(marks: Marks, scores: Floats) -> float:
    """The area below the ROC curve: how often a mark has the larger score of a pair.

    Source: T. Fawcett, "An introduction to ROC analysis", 2006.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(marks, scores))


def precision_area(marks: Marks, scores: Floats) -> float:
    """The average precision: the area below the precision-recall curve, taken in steps."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(marks, scores))


def roc_curve(marks: Marks, scores: Floats) -> tuple[Floats, Floats]:
    """The false positive rate and the recall, from no answer yes to all."""
    from sklearn.metrics import roc_curve as curve

    false, true, _ = curve(marks, scores)
    return false, true


def precision_curve(marks: Marks, scores: Floats) -> tuple[Floats, Floats]:
    """The recall and the precision, from no answer yes to all."""
    from sklearn.metrics import precision_recall_curve as curve

    precision, recall, _ = curve(marks, scores)
    return recall[::-1], precision[::-1]
