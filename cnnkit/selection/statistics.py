"""The statistics of repeated runs: paired differences, chance, and means with their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95
"""Of the intervals."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sets of paired figures differ.

    Attributes:
        mean: The mean of second minus first.
        low: The lower end of its interval.
        high: The upper end.
        p_value: How often a difference at least so large comes about where there is none.
        pairs: How many pairs there are.
        overlap: Test examples for each training example, where the pairs are folds or splits that
            share training data; 0 where the pairs are independent.
    """

    mean: float
    low: float
    high: float
    p_value: float
    pairs: int
    overlap: float = 0.0

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def paired_difference(
    first: Sequence[float], second: Sequence[float], overlap: float = 0.0
) -> Difference:
    """The mean difference of paired figures, its interval and its p-value by a t-test.

    With ``overlap`` the variance of the mean is that of the corrected resampled t-test,
    (1/k + n_test/n_train)·s², for folds share most of their training examples: the plain 1/k
    takes them for independent and finds differences that are none.

    Source: Nadeau and Bengio, Inference for the Generalization Error, Machine Learning 52, 2003,
    equation 9.

    Args:
        first: A figure for each pair.
        second: The other figure of the same pairs.
        overlap: n_test / n_train of a fold or split; 0 for independent pairs.

    Raises:
        ValueError: There are fewer than two pairs, or not equally many figures.
    """
    from scipy import stats

    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"{len(first)} and {len(second)} figures make no pairs of two or more")
    differences = np.subtract(second, first, dtype=np.float64)
    count = len(differences)
    mean = float(differences.mean())
    error = math.sqrt((1 / count + overlap) * float(differences.var(ddof=1)))
    if error < 1e-15:  # all pairs differ by the same
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0, count, overlap)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    p_value = 2 * float(stats.t.sf(abs(mean) / error, count - 1))
    return Difference(mean, mean - reach, mean + reach, p_value, count, overlap)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests, each raised so that all together err as seldom as one.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


@dataclass(frozen=True, slots=True)
class Chance:
    """What guessing gives.

    Attributes:
        accuracy: The expected part of right guesses.
        low: The lower end of the interval that 99 of 100 guessers stay in.
        high: The upper end.
    """

    accuracy: float
    low: float
    high: float

    def explains(self, accuracy: float) -> bool:
        """Whether an accuracy lies within the interval."""
        return self.low <= accuracy <= self.high


def chance(
    confusion: ArrayLike, folds: int = 1, overlap: float = 0.0, confidence: float = 0.99
) -> Chance:
    """The accuracy of guesses that are made as often for each class as the predictions were.

    Its interval is binomial. Networks of folds share training examples and so their mistakes: their
    predictions tell as much as a smaller number of independent ones, of the same variance as in
    ``paired_difference``, (1/k + n_test/n_train) in place of 1/k.

    Args:
        confusion: [K, K] counts, true classes down and predicted ones across.
        folds: How many networks have made the predictions, k.
        overlap: n_test / n_train of each of them.
        confidence: Of the interval.
    """
    from scipy import stats

    counts = np.asarray(confusion, dtype=np.float64)
    total = counts.sum()
    expected = float(counts.sum(axis=0) @ counts.sum(axis=1)) / float(total) ** 2
    independent = max(1, round(float(total) / (1 + folds * overlap)))
    low, high = stats.binom.interval(confidence, independent, expected)
    return Chance(expected, float(low) / independent, float(high) / independent)


def mean_and_deviation(figures: Sequence[float]) -> tuple[float, float]:
    """The mean, and the standard deviation of the figures (not of the mean; n − 1)."""
    values = np.asarray(figures, dtype=np.float64)
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
