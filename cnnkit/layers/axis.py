"""An axis as a field names it: the channels, or a spatial axis by its number."""

from __future__ import annotations

from typing import Literal

from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show

Axis = Literal["channels"] | int


def place_of(axis: Axis, shape: Shape) -> int:
    """Where an axis is in a shape: ``place_of("channels", (8, 6, 4)) == 2``."""
    return len(shape) - 1 if axis == "channels" else axis


def axis_problem(
    axis: Axis, shape: Shape, subject: str = "", field: tuple[str | int, ...] = ("axis",)
) -> Problem | None:
    """The problem of an axis that a tensor, called ``subject`` where it is not the input, lacks."""
    rank = len(shape) - 1
    if axis == "channels" or axis < rank:
        return None
    axes = "no spatial axes" if not rank else f"{rank} spatial ax{'is' if rank == 1 else 'es'}"
    return Problem(
        "shape-mismatch",
        f"there is no axis {axis}: {subject or 'the input'} {show(shape)} has {axes}",
        "spatial axes count from 0, and `channels` is the last axis",
        field,
    )
