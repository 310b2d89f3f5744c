"""How far true and predicted classes agree, beyond chance and within it."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray


def wilson(right: int, examples: int, certainty: float = 0.95) -> tuple[float, float] | None:
    """The interval that a part lies in, where so many of some examples are right; None of none.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    1927.
    """
    if not examples:
        return None
    z = NormalDist().inv_cdf((1 + certainty) / 2)
    part, more = right / examples, z * z / examples
    centre = (part + more / 2) / (1 + more)
    reach = z * math.sqrt(part * (1 - part) / examples + more / (4 * examples)) / (1 + more)
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def matthews(counts: NDArray[Any]) -> float:
    """The correlation of true and predicted classes: 1 where all is right, 0 by chance.

    0 too where one class alone is there or is predicted, as with scikit-learn.

    Args:
        counts: ``[K, K]``.

    Source: J. Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient", 2004.
    """
    right, actual, predicted, total = _margins(counts)
    expected = sum(a * p for a, p in zip(actual, predicted, strict=True))
    spread = [total**2 - sum(each**2 for each in side) for side in (actual, predicted)]
    if not all(spread):
        return 0.0
    return (right * total - expected) / math.sqrt(spread[0] * spread[1])


def kappa(counts: NDArray[Any]) -> float:
    """The agreement of true and predicted classes beyond that of chance; NaN where it is certain.

    Args:
        counts: ``[K, K]``.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", 1960.
    """
    right, actual, predicted, total = _margins(counts)
    expected = sum(a * p for a, p in zip(actual, predicted, strict=True))
    beyond = total**2 - expected
    return (right * total - expected) / beyond if beyond else math.nan


def _margins(counts: NDArray[Any]) -> tuple[int, list[int], list[int], int]:
    """How many are right, the examples of each class, the answers, and all."""
    counts = np.asarray(counts).astype(np.int64)
    actual, predicted = counts.sum(axis=1).tolist(), counts.sum(axis=0).tolist()
    return int(counts.trace()), actual, predicted, sum(actual)
