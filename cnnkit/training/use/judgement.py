"""What the scores of a split say beyond its metrics: curves, calibration, a threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError, UsageError, did_you_mean
from cnnkit.tasks.task import OF_MAPS, Task
from cnnkit.training.compute.accumulator import Accumulator
from cnnkit.training.compute.calibration import Bin, calibration_error, reliability, temperature
from cnnkit.training.compute.loss import probabilities
from cnnkit.training.compute.ranking import (
    Answers,
    precision_area,
    precision_curve,
    roc_area,
    roc_curve,
)
from cnnkit.training.compute.threshold import Decision, decide, threshold_for
from cnnkit.training.store.wrong import Wrong

_POINTS: Final = 200
"""Of a curve: more cannot be seen."""


@dataclass(frozen=True)
class Wanted:
    """What is chosen on the validation split.

    Attributes:
        calibrated: Whether a temperature is.
        recall: The recall that a threshold is chosen for; None for none.
        of: The class that is to be found so; None where there is no question.
    """

    calibrated: bool = False
    recall: float | None = None
    of: str | None = None

    @property
    def anything(self) -> bool:
        """Whether the validation split is needed."""
        return self.calibrated or self.recall is not None

    def require(self, names: Sequence[str], task: Task) -> None:
        """Raises where it cannot be had of a network.

        Args:
            names: Its classes or labels; empty of values.
            task: What its targets are.

        Raises:
            UsageError: Its targets are values, a temperature is asked for and they are labels, or
                it has no such class.
        """
        if self.anything and task in OF_MAPS:
            raise UsageError(
                "--calibrate and --recall are of classes of whole examples, and the network "
                "answers for each pixel"
            )
        if self.anything and task == "values":
            raise UsageError("--calibrate and --recall are of classes, and the network has none")
        if self.calibrated and task == "labels":
            raise UsageError("--calibrate is of classes, of which one is right, and not of labels")
        if self.recall is not None:
            class_of(names, self.of)


@dataclass(frozen=True)
class Scored:
    """The scores of a split's examples, ``[N, K]``, and what they say."""

    scores: NDArray[np.float32]
    answers: Answers


@dataclass(frozen=True)
class Curve:
    """A class told from all others at every threshold.

    Attributes:
        name: The class or label.
        roc: The false positive rate and the recall.
        roc_area: The area below that.
        precision: The recall and the precision.
        precision_area: The average precision.
    """

    name: str
    roc: tuple[NDArray[np.float64], NDArray[np.float64]]
    roc_area: float
    precision: tuple[NDArray[np.float64], NDArray[np.float64]]
    precision_area: float

    def to_dict(self) -> dict[str, Any]:
        """The curve as JSON takes it."""
        return {
            "name": self.name,
            "roc": dict(zip(("false_positive_rate", "recall"), _listed(self.roc), strict=True)),
            "roc_auc": self.roc_area,
            "precision_recall": dict(
                zip(("recall", "precision"), _listed(self.precision), strict=True)
            ),
            "average_precision": self.precision_area,
        }


@dataclass(frozen=True)
class DecisionThreshold:
    """A threshold that was chosen for a recall.

    Attributes:
        name: The class that is told from all others.
        recall: What was asked for on the validation split.
        value: The probability from which on an example is called so.
        validation: What it makes of the validation split.
        measured: What it makes of the split that is judged.
    """

    name: str
    recall: float
    value: float
    validation: Decision
    measured: Decision

    def to_dict(self) -> dict[str, Any]:
        """The threshold as JSON takes it."""
        return {
            "class": self.name,
            "wanted_recall": self.recall,
            "value": self.value,
            "validation": self.validation.to_dict(),
            "test": self.measured.to_dict(),
        }


@dataclass(frozen=True)
class Calibration:
    """Whether probabilities are what they say.

    Attributes:
        bins: The answers by their confidence.
        error: The expected calibration error.
        temperature: What scores are divided by; None where none was chosen.
        mended: The answers by their confidence then.
        mended_error: The expected calibration error then.
    """

    bins: tuple[Bin, ...]
    error: float
    temperature: float | None = None
    mended: tuple[Bin, ...] = ()
    mended_error: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The calibration as JSON takes it."""
        return {
            "error": self.error,
            "bins": [each._asdict() for each in self.bins],
            "temperature": self.temperature,
            "error_at_temperature": self.mended_error,
            "bins_at_temperature": [each._asdict() for each in self.mended],
        }


@dataclass(frozen=True)
class Judgement:
    """What the scores of a split say beyond its metrics.

    Attributes:
        curves: A class each, of those that some examples have and some have not.
        calibration: None of labels.
        threshold: None where no recall was asked for.
        wrong: The wrong answers, the surest first.
    """

    curves: tuple[Curve, ...]
    calibration: Calibration | None
    threshold: DecisionThreshold | None
    wrong: tuple[Wrong, ...]

    def to_dict(self) -> dict[str, Any]:
        """The judgement as JSON takes it, without the points of the curves."""
        return {
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "threshold": None if self.threshold is None else self.threshold.to_dict(),
        }


def judgement(
    part: Accumulator,
    names: Sequence[str],
    test: Scored,
    validation: Scored | None,
    wanted: Wanted,
    wrong: Sequence[Wrong],
) -> Judgement:
    """Judges a split by its scores.

    Args:
        part: What is asked of the network.
        names: Its classes or labels.
        test: The split, whose scores are numbers.
        validation: The validation split; needed where something is wanted of it.
        wanted: What is chosen there.
        wrong: The wrong answers of the split.

    Raises:
        DataError: The validation split has no example of the class.
    """
    return Judgement(
        tuple(_curves(names, test.answers)),
        _calibration(part, test, validation if wanted.calibrated else None),
        _threshold(names, test.answers, validation, wanted),
        tuple(wrong),
    )


def _curves(names: Sequence[str], answers: Answers) -> Iterator[Curve]:
    for index in answers.judged:
        marks, said = answers.marks[:, index], answers.probabilities[:, index]
        yield Curve(
            names[index],
            _thinned(roc_curve(marks, said)),
            roc_area(marks, said),
            _thinned(precision_curve(marks, said)),
            precision_area(marks, said),
        )


def _calibration(part: Accumulator, test: Scored, validation: Scored | None) -> Calibration | None:
    answers = test.answers
    if answers.task == "labels":
        return None
    bins, error = tuple(reliability(answers)), calibration_error(answers)
    if validation is None:
        return Calibration(bins, error)
    single = validation.scores.shape[1] == 1
    marks = validation.answers.marks[:, 1:] if single else validation.answers.marks
    by_output = single or part.final == "sigmoid"
    found = temperature(validation.scores, marks, softmax=not by_output)
    scaled = jnp.asarray(test.scores / found, jnp.float32)
    said = np.asarray(probabilities(scaled, part.train, part.final))
    mended = Answers.of(said, answers.marks[:, 1] if single else answers.marks, answers.task)
    return Calibration(bins, error, found, tuple(reliability(mended)), calibration_error(mended))


def _threshold(
    names: Sequence[str], test: Answers, validation: Scored | None, wanted: Wanted
) -> DecisionThreshold | None:
    if wanted.recall is None or validation is None:
        return None
    index = class_of(names, wanted.of)
    chosen_on = validation.answers
    marks, said = chosen_on.marks[:, index], chosen_on.probabilities[:, index]
    if not marks.any():
        raise DataError(
            f"the validation split has no example of {names[index]}, so that no threshold can be "
            f"chosen for a recall"
        )
    value = threshold_for(marks, said, wanted.recall)
    return DecisionThreshold(
        names[index],
        wanted.recall,
        value,
        decide(marks, said, value),
        decide(test.marks[:, index], test.probabilities[:, index], value),
    )


def class_of(names: Sequence[str], name: str | None) -> int:
    """The class whose recall is asked for; of two that is the second, the yes.

    Raises:
        UsageError: There is none, or none is named.
    """
    if name is None:
        if len(names) == 2:
            return 1
        raise UsageError(f"--recall needs a class: write `--recall {names[0]}=0.95`")
    if name not in names:
        near = did_you_mean(name, names)
        meant = f"did you mean `{near}`?" if near else f"there are {', '.join(names[:10])}"
        raise UsageError(f"--recall {name}: there is no such class; {meant}")
    return list(names).index(name)


def _thinned(
    curve: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """So many of the points as can be seen, its ends among them."""
    count = len(curve[0])
    kept = np.unique(np.linspace(0, count - 1, min(count, _POINTS)).round().astype(int))
    return curve[0][kept], curve[1][kept]


def _listed(curve: tuple[NDArray[np.float64], NDArray[np.float64]]) -> list[list[float]]:
    return [each.tolist() for each in curve]
