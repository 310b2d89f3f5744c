"""A gate: half of the channels decides how much of the other half goes through."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.activation import Activation
from cnnkit.layers.advice import tried
from cnnkit.layers.base import Effect, Operations, broken
from cnnkit.layers.field import Expects
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape

Gate = Literal["sigmoid", "silu", "gelu", "relu", "tanh", "linear"]
GateField = Annotated[Gate, Expects("`sigmoid`, `silu`, `gelu`, `relu`, `tanh` or `linear`")]

# The work of one element of the gate, as its own kind counts it.
_WORK: Mapping[Gate, Operations] = MappingProxyType(
    {
        "sigmoid": Operations(exponential=1, add=1, divide=1),
        "silu": Operations(exponential=1, add=1, divide=1, multiply=1),
        "gelu": Operations(exponential=1, add=1, multiply=3),
        "relu": Operations(compare=1),
        "tanh": Operations(exponential=1, add=2, divide=1),
        "linear": Operations(),
    }
)


class Glu(Activation):
    """The first half of the channels times gate(the second half): 8x8x32 → 8x8x16.

    The gated linear unit (Dauphin et al., 2017) with a sigmoid; ``silu``, ``gelu``, ``relu`` and
    ``linear`` make it the SwiGLU, GEGLU, ReGLU and bilinear unit (Shazeer, 2020).
    """

    kind = "glu"
    suited_init = "lecun"
    formula = "the first half of x times the gate of the second"
    storage = "new"
    backward_reads = ("input",)
    field_aliases: ClassVar = {"activation": "gate"}

    gate: GateField = Field("sigmoid", description="the function of the second half")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        *extents, channels = inputs[0]
        if channels % 2:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"input channels (={channels}) must be even: one half gates the other",
                    partial(_even, self, inputs[0]),
                )
            )
        output = (*extents, channels // 2)
        work = _WORK[self.gate].plus(Operations(multiply=1))
        return Effect(output, operations=work.times(math.prod(output)))


def _even(layer: Glu, shape: Shape) -> str:
    """The nearest channels that the layer before could give."""
    *extents, channels = shape
    good = [
        str(count)
        for count in (channels - 1, channels + 1)
        if count and tried(layer, [shape], "shape-mismatch", [(*extents, count)])
    ]
    return f"give the layer before {' or '.join(good)} channels"
