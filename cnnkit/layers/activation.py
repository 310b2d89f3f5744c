"""What all activations share, and those that most networks use."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.axis import axis_problem, place_of
from cnnkit.layers.base import (
    BackwardReads,
    Effect,
    Layer,
    Operations,
    Storage,
    broken,
    elementwise,
)
from cnnkit.layers.field import AxisField, Count, Number
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import PartitionWindow
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Reach


class Activation(Layer):
    """A function applied to each element; ``operations`` counts the work of one element."""

    family = "activation"
    storage: ClassVar[Storage] = "in_place"
    backward_reads: ClassVar[BackwardReads] = ("output",)
    operations: ClassVar[Operations] = Operations()
    # How the weights of a layer before it best start.
    suited_init: ClassVar[Literal["lecun", "he", "glorot"]]
    # What it makes of x, as on the board, by the names of its fields.
    formula: ClassVar[str] = ""

    def function(self, x: float) -> float | None:
        """f(x); None of a function of several values together."""
        del x
        return None

    @property
    def equation(self) -> str:
        """The formula, and the numbers that it names: ``x^exponent with exponent 2``."""
        numbers = [
            f"{name} {value:g}".replace("-", "−")
            for name, value in self
            if name in self.formula and type(value) in (int, float)
        ]
        return self.formula + (f" with {', '.join(numbers)}" if numbers else "")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        return elementwise(inputs[0], self.operations)


class Linear(Activation):
    """The identity: no activation."""

    kind = "linear"
    suited_init = "glorot"
    formula = "x"
    linear = True
    storage = "view"
    backward_reads = ()

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "it is the identity"

    @override
    def function(self, x: float) -> float:
        return x


class Relu(Activation):
    """max(0, x)."""

    kind = "relu"
    suited_init = "he"
    formula = "max(0, x)"
    limits = "at 0 or above"
    operations = Operations(compare=1)

    @override
    def function(self, x: float) -> float:
        return max(0.0, x)


class LeakyRelu(Activation):
    """x where x ≥ 0, else slope·x."""

    kind = "leaky_relu"
    suited_init = "he"
    formula = "x where x ≥ 0, else slope·x"
    operations = Operations(compare=1, multiply=1)
    field_aliases: ClassVar = {"negative_slope": "slope", "alpha": "slope"}

    slope: Number = Field(0.1, description="factor of negative values")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "its slope is 1" if self.slope == 1 else None

    @override
    def function(self, x: float) -> float:
        return x if x >= 0 else self.slope * x


class Sigmoid(Activation):
    """1/(1 + e^−x)."""

    kind = "sigmoid"
    suited_init = "glorot"
    formula = "1/(1 + e^−x)"
    limits = "between 0 and 1"
    operations = Operations(exponential=1, add=1, divide=1)

    @override
    def function(self, x: float) -> float:
        return 1 / (1 + math.exp(-x))


class Tanh(Activation):
    """(e^2x − 1)/(e^2x + 1)."""

    kind = "tanh"
    suited_init = "glorot"
    formula = "(e^2x − 1)/(e^2x + 1)"
    limits = "between −1 and 1"
    operations = Operations(exponential=1, add=2, divide=1)

    @override
    def function(self, x: float) -> float:
        return math.tanh(x)


class OverAxis(Activation):
    """A function of all values along an axis, of which the channels are classes."""

    suited_init = "glorot"
    field_aliases: ClassVar = {"axis": "over", "dim": "over"}

    over: AxisField = Field("channels", description="the channels, or a spatial axis by number")

    @property
    @override
    def of_classes(self) -> bool:
        return self.over == "channels"

    def work(self, sets: int, size: int) -> Operations:
        """The operations of as many sets of a size."""
        raise NotImplementedError

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if problem := axis_problem(self.over, shape, field=("over",)):
            return broken(problem)
        size = shape[place_of(self.over, shape)]
        reach = None
        if self.over != "channels":  # which sees all of that axis
            reach = tuple(
                PartitionWindow(extent, extent).reach if axis == self.over else Reach(1, 1, 0)
                for axis, extent in enumerate(shape[:-1])
            )
        return Effect(shape, operations=self.work(math.prod(shape) // size, size), reach=reach)


class Softmax(OverAxis):
    """e^x_i / Σ e^x_k over the channels, or over a spatial axis."""

    kind = "softmax"
    formula = "e^x_i / Σ e^x_k"
    limits = "between 0 and 1"

    @override
    def work(self, sets: int, size: int) -> Operations:
        return Operations(exponential=sets * size, add=sets * (size - 1), divide=sets * size)


class LogSoftmax(OverAxis):
    """x_i − log Σ e^x_k over the channels, or over a spatial axis.

    The logarithm counts as one exponential.
    """

    kind = "log_softmax"
    formula = "x_i − log Σ e^x_k"
    limits = "at 0 or below"

    @override
    def work(self, sets: int, size: int) -> Operations:
        return Operations(exponential=sets * (size + 1), add=sets * (2 * size - 1))


class Maxout(Activation):
    """The maximum over groups of ``pieces`` adjacent channels (Goodfellow et al., 2013).

    As the ``activation`` of a conv or dense layer, that layer has ``pieces`` sets of weights
    and as many times the multiplications; its neurons and output are those of one set.
    """

    kind = "maxout"
    suited_init = "he"
    formula = "max(x_1, …, x_pieces)"
    storage = "new"
    backward_reads = ("input",)

    pieces: Count = Field(
        2, description="channels, or sets of weights, that each maximum is taken over"
    )

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "a maximum of one channel is that channel" if self.pieces == 1 else None

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape, pieces = inputs[0], self.pieces
        if shape[-1] % pieces:
            return broken(
                Problem(
                    "shape-mismatch",
                    f"{shape[-1]} channels do not split into groups of {pieces} `pieces`",
                    f"give the layer before a multiple of {pieces} as channels",
                    ("pieces",),
                )
            )
        output = (*shape[:-1], shape[-1] // pieces)
        work = Operations(compare=math.prod(output) * (pieces - 1))
        return Effect(output, operations=work)
