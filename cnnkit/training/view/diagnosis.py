"""What the curves of a training say: under-fitted, over-fitted or balanced, and what to do next.

The rules are those of a lecture. *Under-fitted*: both errors are high. *Over-fitted*: the training
error falls while the validation error rises, or has stayed far above it. *Balanced*: neither. An
error is the part of wrong answers where there are classes, and the loss elsewhere.

The thresholds are stated with each verdict, since no number is right for all problems:

- ``HIGH``, 10 %: an error above it is high. Of a regression, whose errors have a unit, a loss that
  is still above half of that of the first epoch is.
- ``RISE``, 10 %: by this part of its lowest value the validation loss has to rise to count as
  rising, more than it varies from epoch to epoch.
- ``GAP``, 10 points: a validation error so far above the training error, and at least twice as
  large, is over-fitting even where it no longer rises. Below 2 points nothing is.

Losses are compared as the median of three epochs, so that one bad epoch says nothing. Training
figures are those during the epoch, with augmentation and dropout: they may be worse than the
validation's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final, Literal, NamedTuple

from cnnkit.spec.model.training import Train

Verdict = Literal["under-fitted", "over-fitted", "balanced", "undetermined"]

HIGH: Final = 0.10
RISE: Final = 0.10
GAP: Final = 0.10
_SMALL_GAP: Final = 0.02
_FEWEST: Final = 2
_FEW: Final = 4
_FALLING: Final = 0.05


@dataclass(frozen=True)
class Diagnosis:
    """What the curves say.

    Attributes:
        verdict: In a word.
        reason: Why, with the numbers.
        advice: The next steps, the most promising first.
        stop_at: The epoch after which the validation got worse, where it did.
    """

    verdict: Verdict
    reason: str
    advice: tuple[str, ...]
    stop_at: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON takes it."""
        return {**asdict(self), "advice": list(self.advice)}


def diagnose(history: Sequence[Mapping[str, Any]], train: Train | None = None) -> Diagnosis:
    """What the epochs of a run say.

    Args:
        history: A record for each epoch: ``epoch``, and ``train`` and ``validation`` with their
            ``loss`` and, where there are classes, ``accuracy``.
        train: The recipe, so that nothing is advised that it has already.
    """
    records = [
        record for record in history if record.get("validation") and _whole(record["validation"])
    ]
    if not records and train is not None and train.split.validation == 0:
        return _without_validation(history)
    if not records:
        return Diagnosis(
            "undetermined",
            "there was no validation split to compare the training with",
            ("hold examples back: `split: {validation: 0.15}`",),
        )
    if len(records) < _FEWEST:
        return Diagnosis(
            "undetermined",
            f"one epoch is no curve; {_errors(_Point.of(records[-1]))}",
            ("train for more epochs",),
        )
    return _compared(_Curves.of(records), train)


def _without_validation(history: Sequence[Mapping[str, Any]]) -> Diagnosis:
    """Of a run that was to train on all: the last training of a search is one."""
    end = ""
    if history and _whole(history[-1]["train"]):
        last = history[-1]
        loss, accuracy = last["train"]["loss"], last["train"].get("accuracy")
        end = f"; at epoch {last['epoch']} the training loss is {loss:.3g}"
        if accuracy is not None:
            end = f"; at epoch {last['epoch']} the training error is {100 * (1 - accuracy):.1f} %"
    return Diagnosis(
        "undetermined",
        f"`validation: 0` trains on all examples but those of the test, so none are left to "
        f"compare the training with{end}",
        ("`cnnkit cross-validate` says how such a network does on examples that it has not seen",),
    )


def _whole(figures: Mapping[str, Any]) -> bool:
    return figures.get("loss") is not None


class _Point(NamedTuple):
    """The figures of an epoch."""

    epoch: int
    train_loss: float
    validation_loss: float
    train_error: float | None
    validation_error: float | None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> _Point:
        train, validation = record["train"], record["validation"]
        errors = (train.get("accuracy"), validation.get("accuracy"))
        known = None not in errors
        return cls(
            record["epoch"],
            train["loss"],
            validation["loss"],
            1 - errors[0] if known else None,
            1 - errors[1] if known else None,
        )


class _Curves(NamedTuple):
    """The first epoch, that of the lowest validation loss, the last; and how the losses went.

    Attributes:
        first: As it was.
        lowest: As it was.
        last: As it was.
        rise: By which part of its lowest value the validation loss has risen since, as medians.
        learnt: Whether the training loss has fallen since, as medians.
        falling: Whether the validation loss still fell in the last quarter.
    """

    first: _Point
    lowest: _Point
    last: _Point
    rise: float
    learnt: bool
    falling: bool

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]]) -> _Curves:
        points = [_Point.of(record) for record in records]
        train = _smooth([point.train_loss for point in points])
        validation = _smooth([point.validation_loss for point in points])
        lowest = min(range(len(points)), key=lambda index: points[index].validation_loss)
        low, end = min(validation), validation[-1]
        return cls(
            points[0],
            points[lowest],
            points[-1],
            rise=(end - low) / low if low > 0 else 0.0,
            learnt=train[-1] < train[lowest],
            falling=end < (1 - _FALLING) * validation[-1 - max(len(points) // 4, 1)],
        )

    @property
    def gap(self) -> float | None:
        """The validation error less the training error, at the end."""
        if self.last.train_error is None or self.last.validation_error is None:
            return None
        return self.last.validation_error - self.last.train_error


def _smooth(values: Sequence[float]) -> list[float]:
    """The median of each value and its neighbours; of the last one, of the last three."""
    inner = [median(values[max(i - 1, 0) : i + 2]) for i in range(len(values) - 1)]
    return [*inner, median(values[-3:]) if len(values) > _FEW else values[-1]]


def _compared(curves: _Curves, train: Train | None) -> Diagnosis:
    last = curves.last
    apart = curves.gap is not None and curves.gap > GAP and curves.gap >= (last.train_error or 0)
    risen = curves.rise > RISE and curves.learnt
    if risen and (curves.gap is None or curves.gap > _SMALL_GAP):
        low = curves.lowest
        reason = (
            f"the validation loss was lowest at epoch {low.epoch}, {low.validation_loss:.3g}, and "
            f"rose to {last.validation_loss:.3g} by epoch {last.epoch}, while the training loss "
            f"fell from {low.train_loss:.3g} to {last.train_loss:.3g}; {_errors(last)}"
        )
        return Diagnosis("over-fitted", reason, _against_over_fitting(low.epoch, train), low.epoch)
    if apart:
        reason = (
            f"{_errors(last)}: a gap of {100 * (curves.gap or 0):.1f} points, above {100 * GAP:.0f}"
        )
        return Diagnosis("over-fitted", reason, _against_over_fitting(None, train))
    if _both_high(curves):
        still = ", and the validation loss still falls" if curves.falling else ""
        limit = f"both are above {100 * HIGH:.0f} %"
        if last.train_error is None:
            limit = "both are above half of those of the first epoch"
        reason = f"{_errors(last)}: {limit}{still}"
        return Diagnosis("under-fitted", reason, _against_under_fitting(curves, train))
    reason = f"{_errors(last)}: neither is high, and they stay together"
    if last.train_error is not None and (curves.gap or 0) < 0:
        reason = f"{_errors(last)}: neither is far above the other, nor both high"
    return Diagnosis("balanced", reason, _of_balance(curves))


def _both_high(curves: _Curves) -> bool:
    first, last = curves.first, curves.last
    if last.train_error is not None and last.validation_error is not None:
        return last.train_error > HIGH and last.validation_error > HIGH
    return (
        last.train_loss > first.train_loss / 2 and last.validation_loss > first.validation_loss / 2
    )


def _errors(point: _Point) -> str:
    """The two errors of an epoch, in words."""
    if point.train_error is None or point.validation_error is None:
        return (
            f"at epoch {point.epoch} the training loss is {point.train_loss:.3g} and the "
            f"validation loss {point.validation_loss:.3g}"
        )
    return (
        f"at epoch {point.epoch} the training error is {100 * point.train_error:.1f} % and the "
        f"validation error {100 * point.validation_error:.1f} %"
    )


def _against_over_fitting(stop_at: int | None, train: Train | None) -> tuple[str, ...]:
    advice = ["more training data"]
    if train is None or not train.augment:
        advice.append(
            "augmentation, `augment: [{shift: 2}]`, which makes more of the data there is"
        )
    if stop_at is not None:
        stopping = "" if train and train.early_stopping else ", or `early_stopping: {patience: 5}`"
        advice.append(f"stop at epoch {stop_at}: `epochs: {stop_at}`{stopping}")
    weighed = train is not None and train.optimizer.weight_decay > 0
    more = "more of the regularization" if weighed else "regularization"
    advice.append(f"{more}: `weight_decay: 5e-4` in the optimizer, `dropout` before the last dense")
    advice.append("fewer layers, or fewer filters and units")
    return tuple(advice)


def _against_under_fitting(curves: _Curves, train: Train | None) -> tuple[str, ...]:
    advice = ["more layers, or more filters and units", "a higher learning rate, or `find`"]
    longer = f"more epochs than {curves.last.epoch}"
    advice.insert(0 if curves.falling else 2, longer)
    if train is not None and (train.augment or train.optimizer.weight_decay > 0):
        advice.append("less augmentation and less regularization")
    return tuple(advice)


def _of_balance(curves: _Curves) -> tuple[str, ...]:
    if curves.falling:
        return (
            f"more epochs than {curves.last.epoch}: the validation loss still falls",
            "then a larger network together with more data or augmentation",
        )
    return (
        "for less error, a larger network together with more data or augmentation",
        "before a change is believed, `cnnkit cross-validate`: small differences are chance",
    )
