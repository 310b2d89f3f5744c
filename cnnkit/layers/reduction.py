"""Axes made one value: their mean, maximum, sum or norm."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, Strict
from typing_extensions import override

from cnnkit.layers.axis import Axis, axis_problem, place_of
from cnnkit.layers.base import BackwardReads, Effect, Layer, Operations, broken
from cnnkit.layers.field import AxisField, Expects, Flag
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import Reach

Reduction = Literal["mean", "max", "sum", "norm"]
Axes = Annotated[
    AxisField | Annotated[tuple[AxisField, ...], Strict(False), Field(min_length=1)],
    Expects("`channels`, the number of a spatial axis, counted from 0, or a list of these"),
]


class Reduce(Layer):
    """The mean, maximum, sum or norm √Σx² over axes: 8x8x16 over the channels → 8x8x1.

    With ``keep: false`` the axes are taken out: 8x6x16 over axis 1 → 8x16; the last axis that is
    left is the channels.
    """

    kind = "reduce"
    family = "pooling"
    example = ("8x8x16", "reduce: {over: channels, by: max}")
    field_aliases: ClassVar = {"axis": "over", "axes": "over", "dim": "over", "keepdims": "keep"}

    over: Axes = Field(description="the axes that become one value, one or a list")
    by: Annotated[Reduction, Expects("`mean`, `max`, `sum` or `norm`")] = Field(
        "mean", description="what becomes of the values"
    )
    keep: Flag = Field(True, description="keep the axes, with an extent of 1")

    @property
    @override
    def gradient_reads(self) -> BackwardReads:
        return ("input",) if self.by in ("max", "norm") else ()

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes that become one value."""
        return self.over if isinstance(self.over, tuple) else (self.over,)

    def places(self, shape: Shape) -> tuple[int, ...]:
        """Where these axes are in a shape, each once and in its order."""
        return tuple(sorted({place_of(axis, shape) for axis in self.axes}))

    @override
    def no_op(self, shape: Shape) -> str | None:
        if self.by == "norm" or self.effect(shape).output != shape:
            return None
        return "the axes have an extent of 1"

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        for index, axis in enumerate(self.axes):
            field = ("over", index) if isinstance(self.over, tuple) else ("over",)
            if problem := axis_problem(axis, shape, field=field):
                return broken(problem)
        places = self.places(shape)
        if len(places) == len(shape) and not self.keep:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"nothing is left of {show(shape)} without its {len(shape)} axes",
                    "`keep: true` leaves each with an extent of 1",
                    ("keep",),
                )
            )
        kept = tuple(1 if place in places else extent for place, extent in enumerate(shape))
        output = kept
        if not self.keep:
            output = tuple(extent for place, extent in enumerate(shape) if place not in places)
        return Effect(
            output,
            operations=self._work(math.prod(shape), math.prod(kept)),
            reach=_reach(shape, places, removed=not self.keep),
        )

    def _work(self, elements: int, outputs: int) -> Operations:
        """The operations of ``outputs`` values of ``elements`` together."""
        between = elements - outputs
        return {
            "mean": Operations(add=between, divide=outputs),
            "max": Operations(compare=between),
            "sum": Operations(add=between),
            "norm": Operations(add=between, multiply=elements, exponential=outputs),
        }[self.by]


def _reach(shape: Shape, places: tuple[int, ...], *, removed: bool) -> tuple[Reach, ...] | None:
    """How each spatial axis looks back; None where all do cell by cell."""
    rank = len(shape) - 1
    if not rank or (places == (rank,) and not removed):
        return None
    return tuple(Reach(shape[axis] if axis in places else 1, 1, 0) for axis in range(rank))
