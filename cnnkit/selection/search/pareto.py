"""The Pareto front: what is not worse in all objectives than something else."""

from __future__ import annotations

from collections.abc import Sequence


def front(values: Sequence[Sequence[float]], rising: Sequence[bool]) -> list[int]:
    """The indices of those that nothing dominates, in the order of the first objective.

    One dominates another if it is at least as good in every objective and better in one. Of equal
    ones the first stands for all.

    Args:
        values: For each candidate its value of each objective.
        rising: For each objective whether more is better.
    """
    signed = [
        tuple(value if up else -value for value, up in zip(each, rising, strict=True))
        for each in values
    ]
    kept: list[int] = []
    # From the best of the first objective down, only what was kept can dominate what follows.
    for index in sorted(range(len(signed)), key=lambda i: (signed[i], -i), reverse=True):
        if not any(_covers(signed[other], signed[index]) for other in kept):
            kept.append(index)
    return kept


def _covers(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether one is at least as good in every objective."""
    return all(a >= b for a, b in zip(one, other, strict=True))
