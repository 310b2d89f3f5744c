"""Whether probabilities are what they say: reliability, and the temperature that mends them.

Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.training.compute.ranking import Answers

BINS: Final = 15
"""As many as the source takes."""
_WIDEST: Final = math.log(1000)  # scores beyond a thousandfold are those of a separable split


class Bin(NamedTuple):
    """The answers of one range of confidence.

    Attributes:
        low: Where the range begins; it ends at the next one's beginning and includes its end.
        examples: How many answers are in it.
        confidence: The mean probability of what was answered.
        accuracy: The part of the answers that are right.
    """

    low: float
    examples: int
    confidence: float
    accuracy: float


def reliability(answers: Answers, bins: int = BINS) -> list[Bin]:
    """The answers by their confidence, the probability of the class that was answered.

    Args:
        answers: Of classes, or of a single output.
        bins: The ranges, of equal width from 0 to 1; those without an answer are left out.
    """
    best = answers.predicted
    rows = np.arange(len(best))
    confidence, right = answers.probabilities[rows, best], answers.marks[rows, best]
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for place in np.unique(places):
        inside = places == place
        means = float(confidence[inside].mean()), float(right[inside].mean())
        found.append(Bin(float(place) / bins, int(inside.sum()), *means))
    return found


def calibration_error(answers: Answers) -> float:
    """The expected calibration error: how far confidence and accuracy are apart, on average."""
    if not answers.sound or not len(answers.marks):
        return math.nan
    bins = reliability(answers)
    apart = sum(each.examples * abs(each.confidence - each.accuracy) for each in bins)
    return apart / len(answers.marks)


def temperature(scores: NDArray[Any], marks: NDArray[np.bool_], *, softmax: bool) -> float:
    """The temperature T for which scores / T have the least mean cross-entropy.

    The cross-entropy is convex in 1/T, so that there is one minimum.

    Args:
        scores: ``[N, K]``, before a softmax or sigmoid.
        marks: bool ``[N, K]``, which classes or labels each example has.
        softmax: Whether probabilities are a softmax over the scores, not a sigmoid of each.

    Returns:
        T, from 1/1000 to 1000.
    """
    from scipy.optimize import minimize_scalar

    scores = np.asarray(scores, np.float64)

    def loss(log_t: float) -> float:
        scaled = scores * math.exp(-log_t)
        if softmax:
            top = scaled.max(1, keepdims=True)
            total = np.log(np.exp(scaled - top).sum(1)) + top[:, 0]
            return float((total - scaled[marks]).mean())
        # log(1 + e^−s) of a yes, log(1 + e^s) of a no.
        return float(np.logaddexp(0, np.where(marks, -scaled, scaled)).mean())

    found = minimize_scalar(loss, bounds=(-_WIDEST, _WIDEST), method="bounded")
    return math.exp(float(found.x))
