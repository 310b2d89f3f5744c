"""The learning rate at each step, and the range test that finds one.

Time in a recipe is in epochs; here it is counted in steps, the first being 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import count, takewhile
from typing import Any, Final, NamedTuple

import numpy as np
import optax

from cnnkit.spec.model.training import Schedule, Train
from cnnkit.spec.model.training.schedule import (
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    LinearSchedule,
    OneCycleSchedule,
    PolynomialSchedule,
    StepSchedule,
    Warmed,
)


class Span(NamedTuple):
    """The part of the training that a schedule is for: its length, and that of an epoch."""

    steps: int
    steps_per_epoch: int


def make_schedule(train: Train, steps_per_epoch: int) -> optax.Schedule:
    """The learning rate as a function of the step, int32 ``[]`` or a Python number.

    Args:
        train: The recipe; its learning rate is known, not yet to be found.
        steps_per_epoch: How many batches the training examples make.

    Raises:
        ValueError: The rate is ``find``: a range test comes first, see ``Schedule.found``.
    """
    rate = train.learning_rate
    total = train.epochs * steps_per_epoch
    before = round(rate.warmup * steps_per_epoch) if isinstance(rate, Warmed) else 0
    main = _MAKERS[type(rate)](rate, Span(max(total - before, 1), steps_per_epoch))
    if not before:
        return main
    return optax.join_schedules([optax.linear_schedule(0.0, rate.highest, before), main], [before])


def _constant(rate: ConstantSchedule, _span: Span) -> optax.Schedule:
    return optax.constant_schedule(rate.highest)


def _cosine(rate: CosineSchedule, span: Span) -> optax.Schedule:
    return optax.cosine_decay_schedule(rate.highest, span.steps, alpha=rate.end / rate.highest)


def _linear(rate: LinearSchedule, span: Span) -> optax.Schedule:
    return optax.linear_schedule(rate.highest, rate.end, span.steps)


def _polynomial(rate: PolynomialSchedule, span: Span) -> optax.Schedule:
    return optax.polynomial_schedule(rate.highest, rate.end, rate.power, span.steps)


def _exponential(rate: ExponentialSchedule, span: Span) -> optax.Schedule:
    return optax.exponential_decay(rate.highest, span.steps_per_epoch, rate.factor)


def _step(rate: StepSchedule, span: Span) -> optax.Schedule:
    """The epochs of the recipe count from its start, those of the span from the warm-up's end."""
    end = rate.warmup + span.steps / span.steps_per_epoch
    times: Sequence[float] = rate.at or ()
    if rate.every is not None:
        every = rate.every
        times = list(takewhile(lambda time: time < end, (every * n for n in count(1))))
    factors: dict[int, float] = {}
    for time in times:
        at = max(round((time - rate.warmup) * span.steps_per_epoch), 0)
        factors[at] = factors.get(at, 1.0) * rate.factor
    return optax.piecewise_constant_schedule(rate.highest, factors)


def _one_cycle(rate: OneCycleSchedule, span: Span) -> optax.Schedule:
    first = rate.highest / rate.div_factor
    rising = min(max(round(rate.rise * span.steps), 1), max(span.steps - 1, 1))
    falling = max(span.steps - rising, 1)
    last = first / rate.final_div_factor
    return optax.join_schedules(
        [
            _half_cosine(first, rate.highest, rising),
            _half_cosine(rate.highest, last, falling),
        ],
        [rising],
    )


def _half_cosine(start: float, end: float, steps: int) -> optax.Schedule:
    """From one rate to another along half a cosine."""
    decay = optax.cosine_decay_schedule(1.0, steps)
    return lambda step: end + (start - end) * decay(step)


_MAKERS: Final[Mapping[type[Schedule], Callable[[Any, Span], optax.Schedule]]] = {
    ConstantSchedule: _constant,
    CosineSchedule: _cosine,
    LinearSchedule: _linear,
    PolynomialSchedule: _polynomial,
    ExponentialSchedule: _exponential,
    StepSchedule: _step,
    OneCycleSchedule: _one_cycle,
}


class RangeTest(NamedTuple):
    """What a range test finds.

    Attributes:
        rate: The rate to train with, a tenth of ``lowest``.
        lowest: The rate at which the smoothed loss is lowest.
        diverged: The first rate at which the loss has left it for good, None if it never did.
    """

    rate: float
    lowest: float
    diverged: float | None


_SMOOTHING: Final = 0.9
_DIVERGED: Final = 4.0
_FEWEST: Final = 5


def range_test_rates(steps: int, low: float = 1e-6, high: float = 10.0) -> list[float]:
    """Rates at equal ratios from ``low`` to ``high``, for a step each."""
    return [float(rate) for rate in np.geomspace(low, high, steps)]


def find_rate(rates: Sequence[float], losses: Sequence[float]) -> RangeTest:
    """The learning rate that a range test suggests (Smith, 2017).

    The loss of each step is smoothed by a running mean without its bias to the start. Where it is
    lowest the steps are as large as they may be, and a tenth of that rate is safe for a whole
    training. The test ends where the loss is four times the lowest, or no number.

    Args:
        rates: The rate of each step, rising.
        losses: The loss of each step.

    Raises:
        ValueError: The loss was no number, or rose, from the first steps on.
    """
    mean, lowest, best, diverged = 0.0, math.inf, 0, None
    for index, loss in enumerate(losses):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smooth = mean / (1 - _SMOOTHING ** (index + 1))
        if not math.isfinite(smooth) or (index >= _FEWEST and smooth > _DIVERGED * lowest):
            diverged = rates[index]
            break
        if smooth < lowest:
            lowest, best = smooth, index
    if best == 0:
        raise ValueError("the loss fell at no learning rate of the range test")
    return RangeTest(rates[best] / 10, rates[best], diverged)
