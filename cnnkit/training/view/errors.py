"""The errors of a run's epochs: what they are parts of, and how far chance moves them."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from cnnkit.presentation.numbers import percent, plural
from cnnkit.training.store.epoch import Epoch, Metrics
from cnnkit.training.view.baseline import deviation
from cnnkit.training.view.evidence import Evidence

HIGH: Final = 0.10
SMALL_GAP: Final = 0.02
CERTAIN: Final = 2.0
"""Standard deviations that a gap is more than."""
_OF_CHANCE: Final = 0.25
_OF_VARIANCE: Final = 0.5
_OF_IOU: Final = 0.25
OF_PIXELS: Final = "mean IoU"
_UNKNOWN: Final = 100  # examples, where a history does not say of how many it is


class Errors(NamedTuple):
    """The errors of the training and the validation at an epoch.

    Attributes:
        train: Of the training.
        validation: Of the validation.
        varies: The standard deviation of their difference by the choice of the examples.
        high: Above which an error is high.
        during: The training error during the epoch, with augmentation and dropout.
        name: What the errors are: ``error``, ``balanced error`` or ``mean squared error``; of
            pixels ``mean IoU``, what that lacks.
        unit: What they are parts of: of values their variance.
    """

    train: float
    validation: float
    varies: float
    high: float
    during: float | None
    name: str
    unit: float | None = None

    @property
    def gap(self) -> float:
        """The validation error less the training error."""
        return self.validation - self.train

    @property
    def by_chance(self) -> bool:
        """Whether the gap is no larger than the choice of the examples makes it."""
        return self.gap <= CERTAIN * self.varies

    @property
    def apart(self) -> bool:
        """Whether the validation error is far above the training error."""
        return not self.by_chance and self.gap > SMALL_GAP and self.gap >= self.train

    @property
    def both_high(self) -> bool:
        """Whether neither is small."""
        return self.train > self.high and self.validation > self.high

    @property
    def lagging(self) -> bool:
        """Whether the network does worse outside of training than in it."""
        return self.during is not None and self.train - self.during > max(
            2 * SMALL_GAP, CERTAIN * self.varies
        )

    @classmethod
    def of(cls, record: Epoch, evidence: Evidence) -> Errors | None:
        """Those of an epoch's record and of what was measured at the end."""
        if evidence.variance is not None:
            return cls._of_values(record, evidence, evidence.variance)
        judged = record.validation or {}
        if "mean_iou" in judged:
            return cls._of_pixels(record, evidence)
        name = "balanced_accuracy" if evidence.balanced else "accuracy"
        right = (evidence.training or record.train).get(name), judged.get(name)
        if right[0] is None or right[1] is None:
            return None
        train, validation = 1 - right[0], 1 - right[1]
        during = None if evidence.training is None else record.train.get(name)
        classes, high = evidence.classes, HIGH
        if evidence.balanced and classes is not None:
            high = _OF_CHANCE * (1 - classes.chance)
            varies = math.hypot(*map(classes.balanced_deviation, (evidence.scale, 1)))
        else:
            examples = _UNKNOWN if evidence.kept is None else evidence.kept["examples"]
            varies = math.hypot(
                deviation(train, evidence.scale * examples), deviation(validation, examples)
            )
        what = "balanced error" if evidence.balanced else "error"
        return cls(train, validation, varies, high, None if during is None else 1 - during, what)

    @classmethod
    def _of_pixels(cls, record: Epoch, evidence: Evidence) -> Errors | None:
        """What the mean IoU lacks; as sure as if each image were one answer."""
        judged = record.validation or {}
        found = (evidence.training or record.train).get("mean_iou"), judged.get("mean_iou")
        if found[0] is None or found[1] is None:
            return None
        train, validation = 1 - found[0], 1 - found[1]
        examples = _UNKNOWN if evidence.kept is None else evidence.kept["examples"]
        varies = math.hypot(
            deviation(train, evidence.scale * examples), deviation(validation, examples)
        )
        return cls(train, validation, varies, _OF_IOU, None, OF_PIXELS)

    @classmethod
    def _of_values(cls, record: Epoch, evidence: Evidence, variance: float) -> Errors | None:
        """The mean squared errors as parts of the variance."""
        judged = record.validation or {}
        name = "mean_squared_error"
        squares = (evidence.training or record.train).get(name), judged.get(name)
        if squares[0] is None or squares[1] is None or evidence.kept is None or not variance:
            return None
        train, validation = squares[0] / variance, squares[1] / variance
        # Of errors that are normal, the variance of the mean square is 2·mse²/n.
        relative = math.sqrt(2 / max(evidence.kept["examples"], 1))
        varies = relative * math.hypot(train / math.sqrt(evidence.scale), validation)
        what = "mean squared error"
        return cls(train, validation, varies, _OF_VARIANCE, None, what, variance)


def _loss(metrics: Metrics | None) -> float:
    found = (metrics or {}).get("loss")
    return math.nan if found is None else found


class Point(NamedTuple):
    """The figures of an epoch."""

    epoch: int
    updates: int | None
    train_loss: float
    validation_loss: float
    errors: Errors | None

    @classmethod
    def of(cls, record: Epoch, evidence: Evidence) -> Point:
        """Those of an epoch's record, with what was measured at the end."""
        return cls(
            record.epoch,
            evidence.updates,
            _loss(record.train),
            _loss(record.validation),
            Errors.of(record, evidence),
        )

    def text(self) -> str:
        """The two errors, in words."""
        when = f"at epoch {self.epoch}"
        if self.updates is not None:
            when += f", after {plural(self.updates, 'update')},"
        found = self.errors
        if found is None:
            return (
                f"{when} the training loss is {self.train_loss:.3g} and the validation loss "
                f"{self.validation_loss:.3g}"
            )
        if found.unit is not None:
            train, validation = (found.unit * each for each in (found.train, found.validation))
            return (
                f"{when} the mean squared error is {train:.3g} in training and {validation:.3g} in "
                f"validation, where the values have a variance of {found.unit:.3g}"
            )
        if found.name == OF_PIXELS:
            return (
                f"{when} the mean IoU is {percent(1 - found.train, 1)} in training and "
                f"{percent(1 - found.validation, 1)} in validation"
            )
        balanced = "balanced " if found.name != "error" else ""
        text = (
            f"{when} the {balanced}training error is {percent(found.train, 1)} and the {balanced}"
            f"validation error {percent(found.validation, 1)}"
        )
        if found.lagging and found.during is not None:
            text += (
                f" (in training itself the error was {percent(found.during, 1)}: running averages, "
                "such as those of batch norm, lag behind)"
            )
        return text
