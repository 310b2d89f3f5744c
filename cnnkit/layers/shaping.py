"""Layers that change the shape, or scale the channels, and connect nothing."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, NonNegativeInt, Strict, model_validator
from typing_extensions import override

from cnnkit.layers.advice import changing, groups_problem, tried
from cnnkit.layers.base import (
    BackwardReads,
    Effect,
    Layer,
    Operations,
    Weight,
    broken,
    elementwise,
    keeps_shape,
)
from cnnkit.layers.field import Count, Expects, Flag, Number
from cnnkit.layers.problem import Problem
from cnnkit.layers.rearrangement import DepthToSpace, SpaceToDepth
from cnnkit.layers.resample import whole
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.slicing import Slice
from cnnkit.layers.spatial import Crop, Pad, Shaping, Upsample


def _extents(shape: tuple[int, ...]) -> tuple[int, ...]:
    if any(extent < 1 and extent != -1 for extent in shape):
        raise ValueError("holds an extent below 1 that is not -1")
    if shape.count(-1) > 1:
        raise ValueError("holds more than one -1")
    return shape


NewShape = Annotated[
    tuple[int, ...],
    Strict(False),
    Field(min_length=1, max_length=4),
    AfterValidator(_extents),
    Expects("a list of one to four whole numbers above 0, one of which may be -1"),
]


class Flatten(Shaping):
    """The elements of a map as a vector, row-major: 26x26x3 → 2028; a vector stays.

    The vector counts as one cell that reads the whole map. With ``keep_channels`` the cells alone
    become one axis, a sequence of as many channels: 14x14x768 → 196x768.
    """

    kind = "flatten"
    storage = "view"

    keep_channels: Flag = Field(False, description="make one axis of the cells, keep the channels")

    @override
    def no_op(self, shape: Shape) -> str | None:
        if len(shape) == 1:
            return "the input is a vector already"
        if self.keep_channels and len(shape) == 2:
            return "the input is a sequence already"
        return None

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if self.keep_channels and len(shape) > 1:
            reach = whole(shape[:-1]) if len(shape) > 2 else None
            return Effect((math.prod(shape[:-1]), shape[-1]), reach=reach)
        return Effect((math.prod(shape),), reach=whole(shape[:-1]) or None)


class Reshape(Shaping):
    """The same elements, row-major, in another shape: 150 → 10x15 or, with -1, 10x-1.

    The shape is without the batch, spatial extents then channels.
    """

    kind = "reshape"
    example = ("150", "reshape: {shape: [10, -1]}")
    storage = "view"
    field_aliases: ClassVar = {"target_shape": "shape"}

    shape: NewShape = Field(description="the shape that goes out; one entry may be -1, the rest")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return keeps_shape(self, shape)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        elements = math.prod(shape)
        given = math.prod(extent for extent in self.shape if extent != -1)
        open_ended = -1 in self.shape
        if elements % given if open_ended else elements != given:
            held = f"the input {show(shape)} has {elements} elements"
            return broken(
                Problem(
                    "shape-mismatch",
                    f"{held}, which the other extents of {show(self.shape)} (={given}) do not "
                    "divide"
                    if open_ended
                    else f"{held}, the shape {show(self.shape)} has {given}",
                    "a reshape keeps all elements; -1 stands for what the other extents leave",
                    ("shape",),
                )
            )
        output = tuple(elements // given if extent == -1 else extent for extent in self.shape)
        # The axes of a new shape are other axes: each of its cells may read any of the old.
        return Effect(output, reach=None if output == shape else whole(shape[:-1]) or None)


class ChannelShuffle(Shaping):
    """Takes the channels of each group in turn: 0 1 2 3 4 5 in 2 groups → 0 3 1 4 2 5.

    Mixes what grouped convolutions kept apart (Zhang et al., 2018).
    """

    kind = "channel_shuffle"
    example = ("8x8x16", "channel_shuffle: {groups: 4}")
    field_aliases: ClassVar = {"num_groups": "groups"}

    groups: Count = Field(description="groups that the channels come in")

    @override
    def no_op(self, shape: Shape) -> str | None:
        same = self.groups in (1, shape[-1])
        return "of one group, or of one channel a group, the order stays" if same else None

    @override
    def effect(self, *inputs: Shape) -> Effect:
        problem = groups_problem(self, inputs[0], {"input channels": inputs[0][-1]})
        return broken(problem) if problem else Effect(inputs[0])


class ChannelSlice(Shaping):
    """The channels from ``start`` up to, but not, ``stop``, counted from 0; else to the last."""

    kind = "channel_slice"
    example = ("8x8x16", "channel_slice: {start: 4, stop: 12}")
    field_aliases: ClassVar = {"begin": "start", "end": "stop"}

    start: Annotated[NonNegativeInt, Expects("a whole number")] = Field(
        0, description="the first channel"
    )
    stop: Annotated[Count | None, Expects("a whole number above 0")] = Field(
        None, description="the first channel that is left out again; none where it is left out"
    )

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set & {"start", "stop"}:
            raise ValueError("channel_slice needs `start`, the first channel, or `stop`, or both")
        if self.stop is not None and self.start >= self.stop:
            raise ValueError(f"`start` (={self.start}) must be below `stop` (={self.stop})")
        return self

    @override
    def no_op(self, shape: Shape) -> str | None:
        return keeps_shape(self, shape)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        *extents, channels = inputs[0]
        stop = channels if self.stop is None else self.stop
        for field, value, highest in (
            ("stop", stop, channels),
            ("start", self.start, channels - 1),
        ):
            if value > highest:
                return broken(
                    Problem(
                        "shape-mismatch",
                        f"`{field}` (={value}) is beyond the {channels} channels of the input",
                        partial(_within, self, inputs[0], field, highest),
                        (field,),
                    )
                )
        return Effect((*extents, stop - self.start))


def _within(layer: ChannelSlice, shape: Shape, field: str, highest: int) -> str:
    """The highest value of a field, where the other one leaves it any."""
    if tried(layer, [shape], "shape-mismatch", **changing(field, highest)):
        return f"`{field}` is at most {highest}; channels count from 0"
    return f"the {shape[-1]} channels are 0 to {shape[-1] - 1}: give `start` and `stop` among them"


class Scale(Shaping):
    """Multiplies each channel by a learnt factor (LayerScale, Touvron et al., 2021).

    Or all of them by a constant: ``{init: 0.17, learnt: false}`` (the residual scaling of
    Szegedy et al., 2017), which adds no parameters.
    """

    kind = "scale"
    storage = "in_place"
    backward_reads = ("input",)
    field_aliases: ClassVar = {
        "init_value": "init",
        "init_values": "init",
        "factor": "init",
        "learned": "learnt",
        "learnable": "learnt",
        "trainable": "learnt",
    }

    init: Number = Field(1.0, description="the factors before training, or the constant")
    learnt: Flag = Field(True, description="learn a factor a channel; else it is a constant")

    @property
    @override
    def gradient_reads(self) -> BackwardReads:
        return super().gradient_reads if self.learnt else ()

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "it multiplies by 1" if not self.learnt and self.init == 1 else None

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        work = elementwise(shape, Operations(multiply=1)).operations
        weights = (Weight("scale", shape[-1:]),) if self.learnt else ()
        return Effect(shape, weights=weights, operations=work)


LAYERS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (
        Flatten,
        Reshape,
        Pad,
        Crop,
        Upsample,
        DepthToSpace,
        SpaceToDepth,
        ChannelShuffle,
        ChannelSlice,
        Slice,
        Scale,
    )
}
