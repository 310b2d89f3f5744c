"""Recurrent layers: along a sequence, each step from the input there and the state before it.

The multiplications are those of the matrices, of each step's input and of the state: L·gates·
units·(C + units) MACs a direction. A sigmoid and a tanh count as their own kinds do.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.advice import tried
from cnnkit.layers.base import Effect, Operations, Weight, broken
from cnnkit.layers.field import Count, Expects, Flag
from cnnkit.layers.learner import ALIASES, Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import PartitionWindow, whole
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import Reach

Direction = Literal["forward", "backward", "both"]
DirectionField = Annotated[Direction, Expects("`forward`, `backward` or `both`")]


class Recurrent(Learner):
    """The fields and counts that recurrent layers share."""

    family = "recurrence"
    channels_field = "units"  # of one way
    backward_reads = ("input", "output")
    field_aliases: ClassVar = {
        **ALIASES,
        "hidden_size": "units",
        "features": "units",
        "return_sequences": "sequences",
        "use_bias": "bias",
    }
    gates: ClassVar[int]
    # The shape of the bias, of which there is one for each row of it.
    biases: ClassVar[tuple[int, ...]] = ()
    # The other operations of one unit in one step, without the biases.
    step: ClassVar[Operations]

    units: Count = Field(description="the channels of the state, and of what goes out")
    sequences: Flag = Field(False, description="give all steps, else the last one alone")
    direction: DirectionField = Field(
        "forward", description="from which end; `both` joins the channels of either way"
    )
    bias: Flag = Field(True, description="add a learnt bias in each gate")

    @property
    def ways(self) -> int:
        """How often the sequence is gone along."""
        return 2 if self.direction == "both" else 1

    def arrays(self, channels: int) -> tuple[Weight, ...]:
        """The arrays of each way, the gates side by side."""
        wide = self.gates * self.units
        own: dict[str, Shape] = {"kernel": (channels, wide), "recurrent_kernel": (self.units, wide)}
        if self.bias:
            own["bias"] = (*self.biases, wide)
        prefixes = ("", "backward_")[: self.ways]
        return tuple(
            Weight(prefix + name, shape) for prefix in prefixes for name, shape in own.items()
        )

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if len(shape) != 2:
            return broken(self._no_sequence(shape))
        length, channels = shape
        output: Shape = (self.ways * self.units,)
        reach: tuple[Reach, ...] = whole(shape[:-1])
        if self.sequences:
            output = (length, *output)
            reach = (PartitionWindow(length, length).reach,)
        steps = length * self.units * self.ways
        added = self.gates * math.prod(self.biases) if self.bias else 0
        wide = self.gates * self.units
        work = self.step.plus(Operations(add=added)).times(steps)
        return Effect(
            output,
            weights=self.arrays(channels),
            neurons=(output,),
            macs=(
                (self.ways, length, wide, channels),
                (self.ways, length, wide, self.units),
            ),
            operations=work,
            reach=reach,
            scratch=self.ways * length * wide,
        )

    def _no_sequence(self, shape: Shape) -> Problem:
        what = f"a vector of {shape[0]}" if len(shape) == 1 else f"a map of {show(shape)}"
        advice = "give it a sequence, such as `input: 100x8`: steps, then channels"
        flat = (math.prod(shape[:-1]), shape[-1])
        rows = (shape[0], math.prod(shape[1:]))
        if len(shape) > 2 and tried(self, [shape], "shape-mismatch", [flat]):
            advice = (
                f"`flatten: {{keep_channels: true}}` before it gives the sequence {show(flat)}, "
                f"`reshape: {{shape: [{rows[0]}, -1]}}` one of the first axis, {show(rows)}"
            )
        return Problem(
            "shape-mismatch", f"{self.kind} takes a sequence, the input is {what}", advice
        )


class Lstm(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with forget gates.

    c = σ(f)·c + σ(i)·tanh(g), h = σ(o)·tanh(c), where i, f, g and o are x·kernel +
    h·recurrent_kernel + bias, in this order side by side: 4·units·(C + units + 1) parameters a
    direction, as in Keras; PyTorch has a second bias, which is added to the first. The state begins
    at 0. Along ``backward`` and ``both`` each step stays in its place.
    """

    kind = "lstm"
    example = ("20x8", "lstm: {units: 16}")
    gates = 4
    # Four sums, three sigmoids, two tanh, three products and a sum.
    step = Operations(add=4 + 3 + 4 + 1, multiply=3, divide=5, exponential=5)


class Gru(Recurrent):
    """A gated recurrent unit (Cho et al., 2014), its reset gate behind the product.

    h = z·h + (1 − z)·tanh(n), n = x·W + b + r·(h·R + b′), z and r sigmoids of such sums; z, r and n
    are side by side, as in Keras: 3·units·(C + units + 2) parameters a direction, also PyTorch's.
    """

    kind = "gru"
    example = ("20x8", "gru: {units: 16}")
    gates = 3
    biases = (2,)
    # Three sums, two sigmoids, a tanh, 1 − z and the sum of both parts; three products.
    step = Operations(add=3 + 2 + 2 + 2, multiply=3, divide=3, exponential=3)
