"""Layers that change the shape, or scale the channels, and connect nothing."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, Strict
from typing_extensions import override

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
from cnnkit.layers.field import Expects, Flag, Number
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import whole
from cnnkit.layers.shape import Shape, show


class Shaping(Layer):
    """A layer without connections."""

    family = "shaping"
    linear = True


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


class Scale(Shaping):
    """Multiplies each channel by a learnt factor (LayerScale, Touvron et al., 2021).

    Or all of them by one: ``{per: layer, init: 0}`` (SkipInit, De and Smith, 2020). Or by a
    constant: ``{init: 0.17, learnt: false}`` (the residual scaling of Szegedy et al., 2017), which
    adds no parameters.
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
    learnt: Flag = Field(True, description="learn the factors; else they are a constant")
    per: Annotated[Literal["channel", "layer"], Expects("`channel` or `layer`")] = Field(
        "channel", description="what has a learnt factor of its own"
    )

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
        factors = shape[-1:] if self.per == "channel" else (1,)
        weights = (Weight("scale", factors),) if self.learnt else ()
        return Effect(shape, weights=weights, operations=work)
