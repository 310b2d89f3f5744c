"""Activations that bend, clip or shrink each element, with a number or a weight of their own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from cnnkit.layers.activation import Activation
from cnnkit.layers.base import Effect, Operations, Weight, elementwise
from cnnkit.layers.field import Expects, Flag, NonNegativeNumber, Number, PositiveNumber
from cnnkit.layers.learner import Learner
from cnnkit.layers.shape import Shape


class Relu6(Activation):
    """min(max(0, x), 6)."""

    kind = "relu6"
    suited_init = "he"
    limits = "between 0 and 6"
    operations = Operations(compare=2)


class Elu(Activation):
    """x where x ≥ 0, else alpha·(e^x − 1) (Clevert et al., 2015)."""

    kind = "elu"
    suited_init = "he"
    limits = "above −alpha"
    operations = Operations(compare=1, exponential=1, add=1, multiply=1)

    alpha: Number = Field(1.0, description="the negative limit is −alpha")


class Selu(Activation):
    """The self-normalising scaled ELU (Klambauer et al., 2017)."""

    kind = "selu"
    suited_init = "lecun"
    limits = "above −1.76"
    operations = Operations(compare=1, exponential=1, add=1, multiply=2)


class Prelu(Activation, Learner):
    """A leaky ReLU whose slope is learnt, one a channel (He et al., 2015).

    ``per: layer`` learns one slope for the whole layer, ``per: cell`` one for each channel of each
    cell of the map, as Keras's does without shared axes.
    """

    kind = "prelu"
    suited_init = "he"
    backward_reads = ("input",)
    operations = Operations(compare=1, multiply=1)

    init: Number = Field(0.25, description="the slopes before training")
    per: Annotated[Literal["channel", "layer", "cell"], Expects("`channel`, `layer` or `cell`")] = (
        Field("channel", description="what has a slope of its own")
    )

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        work = elementwise(shape, self.operations)
        slopes = {"channel": shape[-1:], "layer": (1,), "cell": shape}[self.per]
        return Effect(
            work.output,
            weights=(Weight("slope", slopes),),
            operations=work.operations,
        )


class Gelu(Activation):
    """x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel, 2016)."""

    kind = "gelu"
    suited_init = "he"
    limits = "above −0.17"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=1, multiply=3)

    approximate: Flag = Field(False, description="use the tanh approximation")


class Silu(Activation):
    """x·sigmoid(x), also called swish."""

    kind = "silu"
    suited_init = "he"
    limits = "above −0.28"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=1, divide=1, multiply=1)


class Mish(Activation):
    """x·tanh(softplus(x)) (Misra, 2019)."""

    kind = "mish"
    suited_init = "he"
    limits = "above −0.31"
    backward_reads = ("input",)
    operations = Operations(exponential=3, add=3, divide=1, multiply=1)


class HardSigmoid(Activation):
    """min(max(0, x + 3), 6)/6."""

    kind = "hard_sigmoid"
    suited_init = "glorot"
    limits = "between 0 and 1"
    backward_reads = ("input",)
    operations = Operations(add=1, compare=2, divide=1)


class HardSilu(Activation):
    """x·min(max(0, x + 3), 6)/6, also called hard swish."""

    kind = "hard_silu"
    suited_init = "he"
    limits = "at −0.375 or above"
    backward_reads = ("input",)
    operations = Operations(add=1, compare=2, divide=1, multiply=1)


class Softplus(Activation):
    """log(1 + e^x); the logarithm is counted with the exponentials."""

    kind = "softplus"
    suited_init = "he"
    limits = "above 0"
    backward_reads = ("input",)
    operations = Operations(exponential=2, add=1)


class Celu(Activation):
    """x where x ≥ 0, else alpha·(e^(x/alpha) − 1) (Barron, 2017): smooth at 0 for any alpha."""

    kind = "celu"
    suited_init = "he"
    limits = "above −alpha"
    operations = Operations(compare=1, exponential=1, add=1, divide=1, multiply=1)

    alpha: PositiveNumber = Field(1.0, description="the negative limit is −alpha")


class Softsign(Activation):
    """x/(1 + |x|)."""

    kind = "softsign"
    suited_init = "glorot"
    limits = "between −1 and 1"
    backward_reads = ("input",)
    operations = Operations(compare=1, add=1, divide=1)


class HardTanh(Activation):
    """min(max(minimum, x), maximum): every value brought between two numbers, −1 and 1."""

    kind = "hard_tanh"
    suited_init = "glorot"
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


class QuickGelu(Activation):
    """x·sigmoid(1.702·x), the GELU of CLIP (Hendrycks and Gimpel, 2016, section 2)."""

    kind = "quick_gelu"
    suited_init = "he"
    limits = "above −0.16"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=1, divide=1, multiply=2)


class Softshrink(Activation):
    """x brought nearer to 0 by the threshold; 0 where |x| is at most that."""

    kind = "softshrink"
    suited_init = "glorot"
    operations = Operations(compare=2, add=1)
    field_aliases: ClassVar = {"lambd": "threshold"}

    threshold: NonNegativeNumber = Field(0.5, description="how far each value is brought to 0")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.threshold else "its threshold is 0"


class HardShrink(Activation):
    """x where |x| is above the threshold, else 0."""

    kind = "hard_shrink"
    suited_init = "glorot"
    operations = Operations(compare=2)
    field_aliases: ClassVar = {"lambd": "threshold"}

    threshold: NonNegativeNumber = Field(0.5, description="up to where a value becomes 0")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return None if self.threshold else "its threshold is 0"


class Threshold(Activation):
    """x where x > threshold, else the value: ``{threshold: 1}`` is the thresholded ReLU."""

    kind = "threshold"
    suited_init = "he"
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


class Power(Activation):
    """x to the power of ``exponent``, counted with the exponentials.

    A negative x has no power whose exponent is not a whole number: what comes out is NaN.
    """

    kind = "power"
    suited_init = "glorot"
    limits = "at 0 or above"
    backward_reads = ("input",)
    operations = Operations(exponential=1)

    exponent: Number = Field(2.0, description="the power that x is raised to")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "its exponent is 1" if self.exponent == 1 else None

    @property
    @override
    def bounds(self) -> str | None:
        return None if self.exponent % 2 == 1 else self.limits


class LogSigmoid(Activation):
    """log(1/(1 + e^−x)); the logarithm is counted with the exponentials."""

    kind = "log_sigmoid"
    suited_init = "glorot"
    limits = "below 0"
    operations = Operations(exponential=2, add=1)


class Tanhshrink(Activation):
    """x − tanh(x)."""

    kind = "tanhshrink"
    suited_init = "glorot"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=3, divide=1)


def _number(value: float) -> str:
    """A number with the minus sign of texts."""
    return f"{value:g}".replace("-", "−")
