"""What makes a training fit into the memory of its devices: smaller steps, weights that are cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cnnkit.analysis.scaling.plan import TrainingPlan

_MOST: Final = 4096
"""The most steps, or devices, that are looked for."""


def accumulated(plan: TrainingPlan, size: int) -> TrainingPlan | None:
    """The same batch in the fewest equal steps that fit; None where one example is too much.

    Args:
        plan: What does not fit.
        size: The bytes of a device.
    """
    for steps in _divisors(plan.local_batch):
        more = steps * plan.accumulate
        smaller = replace(plan, batch=plan.batch // steps, accumulate=more)
        if smaller.memory.total <= size:
            return smaller
    return None


def sharded(plan: TrainingPlan, size: int) -> TrainingPlan | None:
    """The same batch on as many devices, the weights cut for the fewest of them that fit."""
    mesh = plan.mesh
    for times in _divisors(mesh.data):
        cut = replace(mesh, data=mesh.data // times, shard=mesh.shard * times)
        tried = replace(plan, mesh=cut)
        if tried.memory.total <= size:
            return tried
    return None


def _divisors(number: int) -> Iterator[int]:
    """Those above 1, the least first, as far as anyone would go."""
    return (each for each in range(2, min(number, _MOST) + 1) if number % each == 0)
