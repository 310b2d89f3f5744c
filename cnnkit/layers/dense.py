"""The fully connected layer."""

from __future__ import annotations

import math
from functools import partial
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.advice import tried
from cnnkit.layers.base import Effect, broken
from cnnkit.layers.field import Count
from cnnkit.layers.learner import ALIASES
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.weighted import STARTS, Init, Weighted


class Dense(Weighted):
    """Each unit is connected to each element of a vector: units = weights·x + bias."""

    kind = "dense"
    example = ("28x28x1", "flatten", "dense: {units: 10}")
    family = "dense"
    channels_field = "units"
    field_aliases: ClassVar = {
        **ALIASES,
        "features": "units",
        "out_features": "units",
        "neurons": "units",
        "use_bias": "bias",
        "kernel_init": "init",
        "kernel_initializer": "init",
    }

    units: Count = Field(description="the length of the vector that goes out")
    init: Init = Field(None, description=STARTS)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if len(shape) != 1:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"dense takes a vector, the input is a feature map of {show(shape)}",
                    partial(_for_a_map, self, shape),
                )
            )
        (channels,) = shape
        sets = self.units * self.pieces
        weights = self.arrays((channels, sets), (sets,))
        return Effect(
            output=(sets,),
            weights=weights,
            neurons=((self.units,),),
            macs=((channels, sets),),
            operations=self.bias_operations(sets),
            problems=(
                *self.value_problems((channels, sets), (sets,)),
                *self.norm_problems(channels),
            ),
        )


def _for_a_map(layer: Dense, shape: Shape) -> str:
    """What makes the map a vector, where the layer's weights fit it, and what takes a map."""
    conv = f"`conv: {{filters: {layer.units}, kernel: 1}}` in its place gives one vector a position"
    if tried(layer, [shape], "shape-mismatch", [(math.prod(shape),)]):
        return (
            "put `- flatten` before it to read the whole map; or use "
            f"`conv: {{filters: {layer.units}, kernel: 1}}` for one vector a position"
        )
    return conv
