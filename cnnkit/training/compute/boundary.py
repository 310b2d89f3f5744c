"""How well the borders between classes are met: the counts that boundary F1 follows from.

Source: Csurka, Larlus and Perronnin, "What is a good evaluation measure for semantic
segmentation?", 2013: a cell at a border is met where the other map has a border of the same class
no farther away than the tolerance, 0.75 % of the diagonal of the map. Here that is rounded up to
whole cells, and the counts are added up over all examples, as those of IoU are, where the paper has
a mean over images.

Cells that do not count take the class of the nearest one that does, in both maps: a border that
runs through them, as through the rim that annotators leave about an object, lies in their midst,
and what is said there changes nothing. Of cells that do not count about all others, as in what two
tiles share, there are no borders.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from cnnkit.layers.shape import Shape
from cnnkit.tasks.task import IGNORED, Task

_OF_DIAGONAL: Final = 0.0075
Bools = NDArray[np.bool_]
Classes = NDArray[np.integer]


@dataclass(frozen=True)
class Borders:
    """Counts of the cells at borders, of each class over some examples.

    Attributes:
        counts: int64 ``[K, 2, 2]``: of the true borders and of the predicted ones, the cells that
            are met and all.
    """

    counts: NDArray[np.int64]
    task: ClassVar[Task] = "segmentation"

    @classmethod
    def of(cls, pairs: Iterable[tuple[Classes, Classes]], classes: int) -> Borders:
        """Those of true and predicted classes ``[*spatial]``, of one example after the other."""
        counts = np.zeros((classes, 2, 2), np.int64)
        for true, said in pairs:
            counts += _met(true, said, classes)
        return cls(counts)

    @property
    def f1(self) -> tuple[float, ...]:
        """That of each class; NaN of one without a border in truth and in prediction."""
        return tuple(_f1(each) for each in self.counts.tolist())

    @property
    def mean_f1(self) -> float:
        """The mean over the classes that have a border; NaN where none has."""
        known = [each for each in self.f1 if not math.isnan(each)]
        return sum(known) / len(known) if known else math.nan


def tolerance(extents: Shape) -> int:
    """How far from each other borders may lie, in cells.

    >>> tolerance((64, 64)), tolerance((512, 512))
    (1, 6)
    """
    return math.ceil(_OF_DIAGONAL * math.hypot(*extents))


def border(of_class: Bools) -> Bools:
    """The cells of a class that have a neighbour of another one, along any axis.

    The edge of the map is no border.
    """
    found = np.zeros_like(of_class)
    for axis in range(of_class.ndim):
        own, marked = (np.moveaxis(each, axis, 0) for each in (of_class, found))
        marked[:-1] |= own[:-1] & ~own[1:]
        marked[1:] |= own[1:] & ~own[:-1]
    return found


def _met(true: Classes, said: Classes, classes: int) -> NDArray[np.int64]:
    from scipy.ndimage import distance_transform_edt  # a tenth of what `cnnkit train` imports

    near = tolerance(true.shape)
    counts = np.zeros((classes, 2, 2), np.int64)
    maps = _filled(true, said)
    for label in np.union1d(*maps).tolist():
        borders = [border(each == label) for each in maps]
        for place, (own, other) in enumerate((borders, borders[::-1])):
            found = own.any() and other.any() and own & (distance_transform_edt(~other) <= near)
            counts[label, place] = np.sum(found), own.sum()
    return counts


def _filled(true: Classes, said: Classes) -> tuple[Classes, Classes]:
    """Both maps where some cells count and between these, all others as the nearest of them."""
    from scipy.ndimage import distance_transform_edt

    counted = true != IGNORED
    if counted.all():
        return true, said
    if not counted.any():
        return true[counted], said[counted]
    window = tuple(slice(cells.min(), cells.max() + 1) for cells in np.nonzero(counted))
    nearest = distance_transform_edt(~counted[window], return_distances=False, return_indices=True)
    places = tuple(nearest)
    return true[window][places], said[window][places]


def _f1(counts: list[list[int]]) -> float:
    """2·P·R / (P + R) of the recall of true borders and the precision of predicted ones."""
    (found, true), (right, said) = counts
    if not true and not said:
        return math.nan
    recall, precision = found / max(true, 1), right / max(said, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
