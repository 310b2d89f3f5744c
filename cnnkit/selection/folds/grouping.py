"""How many runs are trained side by side."""

from __future__ import annotations

from typing import Final

import jax

from cnnkit.analysis import analyze
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train

_MOST: Final = 64
_PART: Final = 0.5  # of the memory that is free; XLA needs room of its own


def side_by_side(spec: Spec, train: Train, device: jax.Device) -> int:
    """How many runs of a recipe a device is good for.

    An accelerator is idle most of the time under one small network, so there it is as many as its
    memory holds. A CPU is busy with one: mapped over runs its convolutions become grouped ones,
    which XLA does slowly there, see benchmarks/cross_validation.py.
    """
    if device.platform == "cpu":
        return 1
    statistics = device.memory_stats() or {}
    free = statistics.get("bytes_limit", 0) - statistics.get("bytes_in_use", 0)
    each = analyze(spec, batch=train.known_batch, optimizer="adam").totals.training_memory
    return max(1, min(_MOST, int(_PART * free // each)))
