"""Layers that put values at places: where a maximum was, or where each cell lies."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.advice import map_problem
from cnnkit.layers.base import Effect, Operations, Tensor, Trace, broken
from cnnkit.layers.field import Expects, Extents, SavedName
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import stretch
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.shaping import Shaping
from cnnkit.layers.window import per_axis, wrong_length


class MaxUnpool(Shaping):
    """Each value to where its window of a saved map had its maximum; all else becomes 0.

    ``{to: large, size: 2}`` undoes ``max_pool: {size: 2}`` of the tensor that was saved as
    ``large`` before it (Badrinarayanan et al., 2017, SegNet): 8x8x16 → 16x16x16. Of equal values
    the first is the maximum. Windows do not overlap; cells behind the last one become 0. Each
    output of the pool counts the comparisons of its window.
    """

    kind = "max_unpool"
    linear = False
    example = (
        "16x16x8",
        "save: large",
        "max_pool: {size: 2}",
        "conv: {filters: 8, kernel: 3, padding: same, activation: relu}",
        "max_unpool: {to: large}",
    )
    backward_reads = ("input",)
    field_aliases: ClassVar = {"kernel_size": "size", "indices": "to", "with": "to"}

    to: SavedName = Field(description="the saved tensor that was pooled")
    size: Annotated[Extents, Expects("a whole number above 0, or a list of one for each axis")] = (
        Field(2, description="cells of the pool's windows, which are its strides")
    )

    def sizes(self, rank: int) -> Shape:
        """The cells of a window along each axis."""
        return per_axis(self.size, rank) or ()

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        pooled = graph.saved(self.to, ("to",))
        return x._replace(shape=None) if pooled is None else graph.add(self, x, pooled)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if problem := map_problem(self, shape):
            return broken(problem)
        pooled = inputs[-1]
        if problem := self._problem(shape, pooled):
            return broken(problem)
        windows = stretch(shape[:-1], pooled[:-1])
        compared = math.prod(self.sizes(len(shape) - 1)) - 1
        return Effect(
            pooled,
            operations=Operations(compare=compared).times(math.prod(shape)),
            reach=tuple(window.reach for window in windows),
        )

    def _problem(self, shape: Shape, pooled: Shape) -> Problem | None:
        """What comes in must be as large as what the pool gives of the saved tensor."""
        rank = len(shape) - 1
        if len(pooled) == len(shape) and len(self.sizes(rank)) != rank:
            return wrong_length("size", self.size if isinstance(self.size, tuple) else (), rank)
        sizes = self.sizes(len(pooled) - 1)
        given = (*(n // size for n, size in zip(pooled[:-1], sizes, strict=False)), pooled[-1])
        if given == shape:
            return None
        return Problem(
            "shape-mismatch",
            f"the input is {show(shape)}, where a pool of size "
            f"{show(sizes) if len(set(sizes)) > 1 else self.size} makes {show(given)} of "
            f"`{self.to}`, {show(pooled)}",
            "`size` is that of the `max_pool` behind the tensor; bring the channels to as many",
            ("to",),
        )


class Coordinates(Shaping):
    """Adds a channel for each axis that says where a cell lies, from −1 to 1 (Liu et al., 2018).

    Cell i of an axis of n is at 2i/(n − 1) − 1, the one of an axis of one cell at 0: 8x6x16 →
    8x6x18, the channel of the first axis first. Nothing is learnt.
    """

    kind = "coordinates"

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if problem := map_problem(self, shape):
            return broken(problem)
        return Effect((*shape[:-1], shape[-1] + len(shape) - 1))
