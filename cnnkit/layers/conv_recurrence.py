"""A recurrence over maps: along the first axis, each step by convolutions.

The multiplications are those of both convolutions, of each step's input and of the state:
T·cells·4·filters·kernel cells·(C + filters) MACs a direction, padding counted.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.base import Effect, Operations, Weight, broken
from cnnkit.layers.field import Count, Expects, Extents, Flag
from cnnkit.layers.learner import ALIASES, Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.recurrence import DirectionField, Lstm
from cnnkit.layers.resample import PartitionWindow, whole
from cnnkit.layers.shape import Shape, show
from cnnkit.layers.window import Reach, Window, axis_names, slide


class ConvLstm(Learner):
    """An LSTM over maps, along the first axis, whose products are convolutions (Shi et al., 2015).

    c = σ(f)·c + σ(i)·tanh(g), h = σ(o)·tanh(c), where i, f, g and o are conv(x, kernel) +
    conv(h, recurrent_kernel) + bias, in this order side by side; the convolution of the state keeps
    its extents. 4·filters·(kernel cells·(C + filters) + 1) parameters a direction, as in Keras.
    """

    kind = "conv_lstm"
    family = "recurrence"
    example = ("6x12x12x8", "conv_lstm: {filters: 8, kernel: 3, padding: same}")
    channels_field = "filters"  # of one way
    backward_reads = ("input", "output")
    gates: ClassVar[int] = Lstm.gates
    field_aliases: ClassVar = {
        **ALIASES,
        "units": "filters",
        "kernel_size": "kernel",
        "return_sequences": "sequences",
        "use_bias": "bias",
    }

    filters: Count = Field(description="the channels of the state, and of what goes out")
    kernel: Extents = Field(description="cells of the windows, one number or one an axis")
    padding: Annotated[Literal["valid", "same"], Expects("`valid` or `same`")] = Field(
        "valid", description="of the input's convolution; that of the state keeps the extents"
    )
    sequences: Flag = Field(False, description="give all steps, else the last one alone")
    direction: DirectionField = Field(
        "forward", description="from which end; `both` joins the channels of either way"
    )
    bias: Flag = Field(True, description="add a learnt bias in each gate")

    @property
    def ways(self) -> int:
        """How often the sequence is gone along."""
        return 2 if self.direction == "both" else 1

    def sizes(self, rank: int) -> Shape:
        """The cells of the kernel along each axis of a map."""
        return self.kernel if isinstance(self.kernel, tuple) else (self.kernel,) * rank

    def arrays(self, channels: int, rank: int) -> tuple[Weight, ...]:
        """The arrays of each way, the gates side by side."""
        wide, sizes = self.gates * self.filters, self.sizes(rank)
        own: dict[str, Shape] = {
            "kernel": (*sizes, channels, wide),
            "recurrent_kernel": (*sizes, self.filters, wide),
        }
        if self.bias:
            own["bias"] = (wide,)
        prefixes = ("", "backward_")[: self.ways]
        return tuple(
            Weight(prefix + name, shape) for prefix in prefixes for name, shape in own.items()
        )

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if len(shape) < 3:
            return broken(_no_maps(shape))
        steps, *extents, channels = shape
        windows = slide(tuple(extents), self.kernel, 1, self.padding)
        if isinstance(windows, Problem):
            return broken(windows)
        if problem := _too_large(windows):
            return broken(problem)
        cells = tuple(window.output for window in windows)
        output: Shape = (*cells, self.ways * self.filters)
        reach: tuple[Reach, ...] = whole(shape[:-1])
        if self.sequences:
            output = (steps, *output)
            along = PartitionWindow(steps, steps).reach
            reach = (along, *(_reach(window, steps) for window in windows))
        wide = self.gates * self.filters
        sizes = self.sizes(len(extents))
        products = tuple(
            (self.ways, steps, *cells, wide, *sizes, read) for read in (channels, self.filters)
        )
        added = Operations(add=self.gates * self.bias)
        states = self.ways * steps * math.prod(cells) * self.filters
        return Effect(
            output,
            weights=self.arrays(channels, len(extents)),
            neurons=(output,),
            macs=products,
            operations=Lstm.step.plus(added).times(states),
            reach=reach,
            scratch=self.gates * states,
        )


def _reach(window: Window, steps: int) -> Reach:
    """What a cell sees of the first step: the input's window, and the state's once a step."""
    before = (window.size - 1) // 2
    return Reach(
        window.size + (steps - 1) * (window.size - 1), 1, window.before + (steps - 1) * before
    )


def _too_large(windows: tuple[Window, ...]) -> Problem | None:
    """The first axis that the kernel does not fit into."""
    for name, window in zip(axis_names(len(windows)), windows, strict=True):
        if window.slack < 0:
            return Problem(
                "window-too-large",
                f"kernel {window.size} does not fit into the {name} of {window.extent}",
                f"a kernel of {window.extent} does, and `padding: same` keeps the extents",
                ("kernel",),
            )
    return None


def _no_maps(shape: Shape) -> Problem:
    what = f"a vector of {shape[0]}" if len(shape) == 1 else f"a sequence of {show(shape)}"
    advice = (
        "`lstm` goes along a sequence"
        if len(shape) == 2
        else "give it maps, such as `input: 8x32x32x3`: steps, then the axes of each map"
    )
    return Problem(
        "shape-mismatch", f"conv_lstm takes a sequence of maps, the input is {what}", advice
    )
