"""The figures of an epoch, from sums over examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.training.compute import metrics
from cnnkit.training.compute.state import Totals

_MORE_THAN_TOP = metrics.TOP + 1


@dataclass(frozen=True)
class Figures:
    """What a network made of some examples.

    Attributes:
        examples: How many they were.
        metrics: ``loss``, and what the targets have, such as ``accuracy``; None for what is no
            number.
        confusion: Counts as ``metrics.update`` adds them up: of classes ``[K, K]``, true ones
            down and predicted ones across.
    """

    examples: int
    metrics: Mapping[str, float | None]
    confusion: NDArray[Any]


def of_totals(totals: Totals) -> Figures:
    """The figures of sums over examples, which are on the host."""
    return Figures(int(totals.examples), figures(totals), np.asarray(totals.confusion))


def figures(totals: Totals) -> dict[str, float | None]:
    """The mean loss, and the metrics that the targets have; None for what is no number.

    Args:
        totals: Sums, on the host.
    """
    counts, examples = np.asarray(totals.confusion), int(totals.examples)
    found: dict[str, float] = {"loss": float(totals.loss) / max(examples, 1)}
    if counts.ndim == 1:
        errors = metrics.summarize_regression(counts, examples)
        found["mean_squared_error"] = errors.mean_squared_error
        found["mean_absolute_error"] = errors.mean_absolute_error
    else:
        summary = metrics.summarize(counts, top5(totals))
        found |= {"accuracy": summary.accuracy, "macro_f1": summary.f1}
        if summary.top5 is not None:
            found["top5"] = summary.top5
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def top5(totals: Totals) -> int | None:
    """How many had their class among the five best; None where there are no more classes."""
    counts = np.asarray(totals.confusion)
    of_classes = counts.ndim == 2
    return int(totals.top5) if of_classes and len(counts) >= _MORE_THAN_TOP else None
