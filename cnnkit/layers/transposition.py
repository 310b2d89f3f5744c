"""Axes in another order."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, Strict
from typing_extensions import override

from cnnkit.layers.axis import Axis, axis_problem, place_of
from cnnkit.layers.base import Effect, broken
from cnnkit.layers.field import AxisField, Expects
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import whole
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.shaping import Shaping

Order = Annotated[
    tuple[AxisField, ...],
    Strict(False),
    Field(min_length=1),
    Expects("a list of axes: numbers of spatial axes, counted from 0, and `channels`"),
]


class Transpose(Shaping):
    """The axes in another order: 8x6x16 with ``[1, 0]`` → 6x8x16.

    Without ``channels`` in the list they stay the last axis; ``[channels, 0]`` makes the channels
    of a sequence its positions, 196x768 → 768x196, as MLP-Mixer does (Tolstikhin et al., 2021).
    Nothing is computed.
    """

    kind = "transpose"
    example = ("8x6x16", "transpose: {axes: [1, 0]}")
    field_aliases: ClassVar = {"perm": "axes", "dims": "axes", "permutation": "axes"}

    axes: Order = Field(description="the axes, in the order that they go out")

    @property
    def order(self) -> tuple[Axis, ...]:
        """All axes in the order that they go out."""
        return self.axes if "channels" in self.axes else (*self.axes, "channels")

    def places(self, shape: Shape) -> tuple[int, ...]:
        """Where each axis that goes out was in a shape."""
        return tuple(place_of(axis, shape) for axis in self.order)

    @override
    def no_op(self, shape: Shape) -> str | None:
        if self.effect(shape).output is None:
            return None
        moved = [place for place in self.places(shape) if shape[place] > 1]
        return "the order stays" if moved == sorted(moved) else None

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        for index, axis in enumerate(self.axes):
            if problem := axis_problem(axis, shape, field=("axes", index)):
                return broken(problem)
        places = self.places(shape)
        if sorted(places) != list(range(len(shape))):
            return broken(self._no_order(shape))
        output = tuple(shape[place] for place in places)
        in_order = places == tuple(range(len(shape)))
        return Effect(output, reach=None if in_order else whole(shape[:-1]) or None)

    def _no_order(self, shape: Shape) -> Problem:
        """Axes that are missing or there twice."""
        rank = len(shape) - 1
        backwards = [*range(rank - 1, -1, -1)]
        shown = ", ".join(map(str, backwards if rank > 1 else ["channels", *backwards]))
        listed = ", ".join(map(str, self.axes))
        return Problem(
            "shape-mismatch",
            f"`axes` (=[{listed}]) must have each of the {rank} spatial "
            f"ax{'is' if rank == 1 else 'es'} of {show(shape)} once",
            f"`axes: [{shown}]` turns them round; `channels`, where left out, stays last",
            ("axes",),
        )
