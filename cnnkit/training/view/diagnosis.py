"""What a run says of itself: under-fitted, over-fitted or balanced, and what to do next.

The rules are those of a lecture. *Under-fitted*: both errors are high. *Over-fitted*: the training
error falls while the validation error rises, or has stayed far above it. *Balanced*: neither.
Before them comes the question whether anything was learnt. *No-skill*: the weights that are kept do
no better than an answer that looks at no input (``baseline``). *Imbalanced*: they do, but their
accuracy is no better than that of the most frequent class, for a rare one is missed.

An error is the part of wrong answers; where one class has most of the examples, its mean over the
classes; of values the mean squared error as a part of their variance; the loss where nothing else
is known. The thresholds are stated with each verdict, since no number is right for all problems:

- ``HIGH``, 10 %: an error above it is high; of a mean over classes a quarter of what chance gives;
  of values half of the variance, or a loss above half of that of the first epoch; of pixels what
  the mean IoU lacks, a quarter.
- ``RISE``, 10 %: by this part of its lowest value the validation loss has to rise to count as
  rising, more than it varies from epoch to epoch.
- A gap counts where the validation error is above the training error by more than twice what chance
  makes of so few examples, by more than ``SMALL_GAP``, 2 points, and is at least twice as large.

Losses are compared as the median of three epochs, so that one bad epoch says nothing. The training
error is measured at the end, outside of training. Where that was not done, and a history is all
there is, it is the one during the epoch, with augmentation and dropout; the validation then counts
as of 100 examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from cnnkit.presentation.numbers import percent
from cnnkit.spec.model.training import Train
from cnnkit.training.store.epoch import Epoch
from cnnkit.training.store.summary import Diagnosis
from cnnkit.training.view import next_steps
from cnnkit.training.view.errors import CERTAIN, HIGH, OF_PIXELS, SMALL_GAP, Errors, Point
from cnnkit.training.view.evidence import Evidence

RISE: Final = 0.10
_FEWEST: Final = 2
_FEW: Final = 4
_FALLING: Final = 0.05


def diagnose(
    history: Sequence[Epoch],
    train: Train | None = None,
    evidence: Evidence = Evidence(),  # noqa: B008 - it is frozen
) -> Diagnosis:
    """What the epochs of a run say, and what was measured at its end.

    Args:
        history: The epochs.
        train: The recipe, so that nothing is advised that it has already.
        evidence: What was measured at the end.
    """
    records = [record for record in history if record.validation and _whole(record.validation)]
    if not records and train is not None and train.split.validation == 0:
        return _without_validation(history, evidence)
    if not records:
        return Diagnosis(
            "undetermined",
            "there was no validation split to compare the training with",
            ("hold examples back: `split: {validation: 0.15}`",),
        )
    last = Point.of(records[-1], evidence)
    if found := _against_baseline(last, train, evidence):
        return found
    if len(records) < _FEWEST:
        return Diagnosis(
            "undetermined",
            f"one epoch is no curve; {last.text()}",
            ("train for more epochs",),
        )
    return _compared(_Curves.of(records), last, train, evidence)


def _without_validation(history: Sequence[Epoch], evidence: Evidence) -> Diagnosis:
    """Of a run that was to train on all: the last training of a search is one."""
    end = ""
    if history and _whole(history[-1].train):
        last = history[-1]
        loss, accuracy = last.train["loss"], last.train.get("accuracy")
        accuracy = (evidence.training or {}).get("accuracy", accuracy)
        end = f"; at epoch {last.epoch} the training loss is {loss:.3g}"
        if accuracy is not None:
            end = f"; at epoch {last.epoch} the training error is {percent(1 - accuracy, 1)}"
    return Diagnosis(
        "undetermined",
        f"`validation: 0` trains on all examples but those of the test, so none are left to "
        f"compare the training with{end}",
        ("`cnnkit cross-validate` says how such a network does on examples that it has not seen",),
    )


def _whole(figures: Mapping[str, Any]) -> bool:
    return figures.get("loss") is not None


def _against_baseline(last: Point, train: Train | None, evidence: Evidence) -> Diagnosis | None:
    """The verdict on weights that do no better than an answer that looks at no input."""
    classes, values, pixels = evidence.classes, evidence.values, evidence.pixels
    if classes is not None and not classes.skilled:
        missed = classes.missed_text() if classes.imbalanced else ""
        reason = (
            f"no better than always answering {classes.majority_text()}"
            f"{f': {missed}' if missed else ''}; accuracy "
            f"{percent(classes.figures['accuracy'], 1)}, balanced accuracy "
            f"{percent(classes.figures['balanced_accuracy'], 1)}, by chance "
            f"{percent(classes.chance, 1)}"
        )
    elif values is not None and not values.skilled:
        reason = (
            f"no better than always answering the mean: the mean squared error is "
            f"{values.error:,.4g}, the variance {values.variance:,.4g}"
        )
    elif pixels is not None and not pixels.skilled:
        reason = (
            f"no better than always answering `{pixels.rows[0].name}`, which "
            f"{percent(pixels.majority, 1)} of the pixels are"
        )
    elif classes is not None and classes.missed and not classes.above_majority:
        reason = (
            f"accuracy {percent(classes.figures['accuracy'], 1)}, hardly better than always "
            f"answering {classes.majority_text()}: {classes.missed_text()}; {last.text()}"
        )
        return Diagnosis("imbalanced", reason, next_steps.against_imbalance(evidence, train))
    else:
        return None
    if evidence.too_fast and evidence.alike is not None and evidence.training is not None:
        reason += (
            f"; the training loss, {evidence.training['loss']:.3g}, is above {evidence.alike:.3g}, "
            "what calling all classes equally probable gives"
        )
    advice = next_steps.without_skill(last.epoch, evidence, train)
    return Diagnosis("no-skill", f"{reason}; {last.text()}", advice)


class _Curves(NamedTuple):
    """The epoch of the lowest validation loss, the last one; and how the losses went.

    Attributes:
        first: As it was.
        lowest: As it was.
        rise: By which part of its lowest value the validation loss has risen since, as medians.
        learnt: Whether the training loss has fallen since, as medians.
        falling: Whether the validation loss still fell in the last quarter.
    """

    first: Point
    lowest: Point
    rise: float
    learnt: bool
    falling: bool

    @classmethod
    def of(cls, records: Sequence[Epoch]) -> _Curves:
        points = [Point.of(record, Evidence()) for record in records]
        train = _smooth([point.train_loss for point in points])
        validation = _smooth([point.validation_loss for point in points])
        lowest = min(range(len(points)), key=lambda index: points[index].validation_loss)
        low, end = min(validation), validation[-1]
        return cls(
            points[0],
            points[lowest],
            rise=(end - low) / low if low > 0 else 0.0,
            learnt=train[-1] < train[lowest],
            falling=end < (1 - _FALLING) * validation[-1 - max(len(points) // 4, 1)],
        )


def _smooth(values: Sequence[float]) -> list[float]:
    """The median of each value and its neighbours; of the last one, of the last three."""
    inner = [median(values[max(i - 1, 0) : i + 2]) for i in range(len(values) - 1)]
    return [*inner, median(values[-3:]) if len(values) > _FEW else values[-1]]


def _compared(curves: _Curves, last: Point, train: Train | None, evidence: Evidence) -> Diagnosis:
    errors, classes = last.errors, evidence.classes or evidence.pixels
    found = classes.missed_text() if classes is not None else ""
    missed = f"; {found}" if found else ""
    if curves.rise > RISE and curves.learnt and (errors is None or errors.gap > SMALL_GAP):
        low = curves.lowest
        reason = (
            f"the validation loss was lowest at epoch {low.epoch}, {low.validation_loss:.3g}, and "
            f"rose to {last.validation_loss:.3g} by epoch {last.epoch}, while the training loss "
            f"fell from {low.train_loss:.3g} to {last.train_loss:.3g}; {last.text()}{missed}"
        )
        advice = next_steps.against_over_fitting(low.epoch, train)
        return Diagnosis("over-fitted", reason, advice, low.epoch)
    if errors is not None and errors.apart:
        reason = f"{last.text()}: {_gap_text(errors)}{missed}"
        return Diagnosis("over-fitted", reason, next_steps.against_over_fitting(None, train))
    if _both_high(curves, last):
        still = ", and the validation loss still falls" if curves.falling else ""
        reason = f"{last.text()}: {_limit_text(errors)}{still}{missed}"
        advice = next_steps.against_under_fitting(
            last.epoch, evidence, train, falling=curves.falling
        )
        return Diagnosis("under-fitted", reason, advice)
    reason = f"{last.text()}: {_balance_text(errors)}{missed}"
    return Diagnosis("balanced", reason, next_steps.of_balance(last.epoch, falling=curves.falling))


def _both_high(curves: _Curves, last: Point) -> bool:
    if last.errors is not None:
        return last.errors.both_high
    first = curves.first
    return (
        last.train_loss > first.train_loss / 2 and last.validation_loss > first.validation_loss / 2
    )


def _gap_text(errors: Errors) -> str:
    if errors.unit is not None:
        return "in validation it is at least twice as large, and by more than chance makes it"
    chance = 100 * CERTAIN * errors.varies
    return f"a gap of {100 * errors.gap:.1f} points, where chance makes up to {chance:.1f}"


def _limit_text(errors: Errors | None) -> str:
    if errors is None:
        return "both are above half of those of the first epoch"
    if errors.unit is not None:
        return "both are above half of it"
    if errors.name == OF_PIXELS:
        return f"both are below {percent(1 - errors.high, 0)}"
    digits = 0 if errors.high == HIGH else 1
    return f"both are above {percent(errors.high, digits)}"


def _balance_text(errors: Errors | None) -> str:
    """What is true of errors that are neither both high nor far apart."""
    if errors is None:
        return "neither is high, and they stay together"
    if errors.gap < 0 or errors.train > errors.high:
        return "neither is far above the other, nor both high"
    together = errors.by_chance or errors.gap <= SMALL_GAP
    if errors.validation <= errors.high and together:
        return "neither is high, and they stay together"
    if together:
        return "their difference is no more than chance makes of so few examples"
    return "the second is above the first, and less than twice as large"
