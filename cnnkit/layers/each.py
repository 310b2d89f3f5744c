"""Layers applied to every slice of a map along an axis, with the same weights."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeInt
from typing_extensions import override

from cnnkit.layers.axis import axis_problem
from cnnkit.layers.base import Effect, Layer, Tensor, Trace
from cnnkit.layers.composition import Composite, Layers
from cnnkit.layers.field import Expects
from cnnkit.layers.shape import Shape
from cnnkit.layers.transposition import Transpose


class AxisToBatch(Layer):
    """The first axis laid beside the examples of the batch: each slice is an example.

    No spec writes it: it is the beginning of ``each``.
    """

    kind = "axis_to_batch"
    family = "shaping"
    linear = True
    storage = "view"

    @override
    def effect(self, *inputs: Shape) -> Effect:
        return Effect(inputs[0])


class BatchToAxis(Layer):
    """The slices of an example as the first axis of one map again: the end of ``each``."""

    kind = "batch_to_axis"
    family = "shaping"
    linear = True
    storage = "view"

    extent: int

    @override
    def effect(self, *inputs: Shape) -> Effect:
        return Effect(inputs[0])


class Each(Composite):
    """Its layers, applied to every slice along an axis with the same weights.

    Along axis 0 of 16x112x112x3, such as a video, each of the 16 slices is a map of 112x112x3, of
    a sequence 20x8 each a vector of 8. What they become is put together along the same axis, or
    the last one where a slice has fewer axes by then: vectors become a sequence. Parameters count
    once, work and activations for every slice. A batch norm has its statistics from all slices.
    """

    kind = "each"
    example = (
        "16x8x8x3",
        "each: {layers: [{conv: {filters: 4, kernel: 3, activation: relu}}, global_mean_pool]}",
        "lstm: {units: 8}",
    )
    sequence_fields = ("layers",)
    field_aliases: ClassVar = {"dim": "axis", "over": "axis"}

    axis: Annotated[NonNegativeInt, Expects("the number of a spatial axis, counted from 0")] = (
        Field(0, description="the spatial axis whose slices are meant, by number")
    )
    layers: Layers = Field(description="the layers of a slice")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.layers else "it has no layers"

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        if x.shape is None:
            graph.sequence("layers", self.layers, x)
            return x
        if problem := axis_problem(self.axis, x.shape):
            graph.problem(problem)
            return Tensor(x.node, None)
        if not self.layers:
            return x
        axes = [*range(len(x.shape) - 1)]
        x = _moved(graph, x, [self.axis, *axes[: self.axis], *axes[self.axis + 1 :]], "to_front")
        if x.shape is None:
            return x
        y = graph.slices(self.layers, x, AxisToBatch(), BatchToAxis(extent=x.shape[0]))
        if y.shape is None:
            return y
        axes = [*range(len(y.shape) - 1)]
        place = min(self.axis, len(axes) - 1)
        return _moved(graph, y, [*axes[1 : place + 1], 0, *axes[place + 1 :]], "back")


def _moved(graph: Trace, x: Tensor, axes: list[int], label: str) -> Tensor:
    """A tensor with its axes in another order, where it is another one."""
    if axes == sorted(axes):
        return x
    return graph.add(Transpose(axes=tuple(axes)), x, label=label)
