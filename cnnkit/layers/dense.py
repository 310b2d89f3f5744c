"""The fully connected layer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.base import Count, Effect, Problem, Shape, Weight, broken, show
from cnnkit.layers.weighted import Weighted


class Dense(Weighted):
    """Each unit is connected to each element of a vector: units = weights·x + bias."""

    kind = "dense"
    example = ("28x28x1", "flatten", "dense: {units: 10}")
    family = "dense"
    channels_field = "units"
    field_aliases: ClassVar = {
        "features": "units",
        "out_features": "units",
        "neurons": "units",
        "use_bias": "bias",
        "kernel_init": "init",
    }

    units: Count = Field(description="the length of the vector that goes out")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if len(shape) != 1:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"dense takes a vector, the input is a feature map of {show(shape)}",
                    "put `- flatten` before it to read the whole map; or use "
                    f"`conv: {{filters: {self.units}, kernel: 1}}` for one vector a position",
                )
            )
        (channels,) = shape
        sets = self.units * self.pieces
        kernel = Weight("kernel", (channels, sets))
        weights = (kernel, Weight("bias", (sets,))) if self.has_bias else (kernel,)
        return Effect(
            output=(sets,),
            weights=weights,
            neurons=((self.units,),),
            macs=((channels, sets),),
            operations=self.bias_operations(sets),
            problems=self.value_problems(kernel.shape, (sets,)),
        )


LAYERS = {Dense.kind: Dense}
