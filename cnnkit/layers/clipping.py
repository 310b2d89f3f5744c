"""Activations that clip or shrink each element."""

from __future__ import annotations

import math
from typing import ClassVar, Self

from pydantic import Field, model_validator
from typing_extensions import override

from cnnkit.layers.activation import Activation
from cnnkit.layers.base import Operations
from cnnkit.layers.field import NonNegativeNumber, Number
from cnnkit.layers.shape import Shape


class Relu6(Activation):
    """min(max(0, x), 6)."""

    kind = "relu6"
    suited_init = "he"
    formula = "min(max(0, x), 6)"
    limits = "between 0 and 6"
    operations = Operations(compare=2)

    @override
    def function(self, x: float) -> float:
        return min(max(0.0, x), 6.0)


class HardSigmoid(Activation):
    """min(max(0, x + 3), 6)/6."""

    kind = "hard_sigmoid"
    suited_init = "glorot"
    formula = "min(max(0, x + 3), 6)/6"
    limits = "between 0 and 1"
    backward_reads = ("input",)
    operations = Operations(add=1, compare=2, divide=1)

    @override
    def function(self, x: float) -> float:
        return min(max(0.0, x + 3), 6.0) / 6


class HardSilu(Activation):
    """x·min(max(0, x + 3), 6)/6, also called hard swish."""

    kind = "hard_silu"
    suited_init = "he"
    formula = "x·min(max(0, x + 3), 6)/6"
    limits = "at −0.375 or above"
    backward_reads = ("input",)
    operations = Operations(add=1, compare=2, divide=1, multiply=1)

    @override
    def function(self, x: float) -> float:
        return x * min(max(0.0, x + 3), 6.0) / 6


class HardTanh(Activation):
    """min(max(minimum, x), maximum): every value brought between two numbers, −1 and 1."""

    kind = "hard_tanh"
    suited_init = "glorot"
    formula = "min(max(minimum, x), maximum)"
    limits = "between −1 and 1"
    operations = Operations(compare=2)
    field_aliases: ClassVar = {
        "min_val": "minimum",
        "max_val": "maximum",
        "min": "minimum",
        "max": "maximum",
    }

    minimum: Number = Field(-1.0, description="the least value that goes out")
    maximum: Number = Field(1.0, description="the greatest value that goes out")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum >= self.maximum:
            raise ValueError(
                f"`minimum` (={self.minimum:g}) must be below `maximum` (={self.maximum:g})"
            )
        return self

    @property
    @override
    def bounds(self) -> str | None:
        return f"between {_number(self.minimum)} and {_number(self.maximum)}"

    @override
    def function(self, x: float) -> float:
        return min(max(self.minimum, x), self.maximum)


class Softshrink(Activation):
    """x brought nearer to 0 by the threshold; 0 where |x| is at most that."""

    kind = "softshrink"
    suited_init = "glorot"
    formula = "x − threshold above it, x + threshold below −threshold, else 0"
    operations = Operations(compare=2, add=1)
    field_aliases: ClassVar = {"lambd": "threshold"}

    threshold: NonNegativeNumber = Field(0.5, description="how far each value is brought to 0")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.threshold else "its threshold is 0"

    @override
    def function(self, x: float) -> float:
        return math.copysign(max(abs(x) - self.threshold, 0.0), x)


class HardShrink(Activation):
    """x where |x| is above the threshold, else 0."""

    kind = "hard_shrink"
    suited_init = "glorot"
    formula = "x where |x| > threshold, else 0"
    operations = Operations(compare=2)
    field_aliases: ClassVar = {"lambd": "threshold"}

    threshold: NonNegativeNumber = Field(0.5, description="up to where a value becomes 0")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.threshold else "its threshold is 0"

    @override
    def function(self, x: float) -> float:
        return x if abs(x) > self.threshold else 0.0


class Threshold(Activation):
    """x where x > threshold, else the value: ``{threshold: 1}`` is the thresholded ReLU."""

    kind = "threshold"
    suited_init = "he"
    formula = "x where x > threshold, else value"
    limits = "at 0 or above"
    backward_reads = ("input",)
    operations = Operations(compare=1)
    field_aliases: ClassVar = {"theta": "threshold", "default_value": "value"}

    threshold: Number = Field(1.0, description="what x must be above to stay")
    value: Number = Field(0.0, description="what takes the place of the others")

    @property
    @override
    def bounds(self) -> str | None:
        return f"at {_number(min(self.threshold, self.value))} or above"

    @override
    def function(self, x: float) -> float:
        return x if x > self.threshold else self.value


def _number(value: float) -> str:
    """A number with the minus sign of texts."""
    return f"{value:g}".replace("-", "−")
