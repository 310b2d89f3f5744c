"""Activations that bend each element, with a number or a weight of their own."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.activation import Activation
from cnnkit.layers.base import Effect, Operations, Weight, elementwise
from cnnkit.layers.field import Expects, Flag, Number, PositiveNumber
from cnnkit.layers.learner import Learner
from cnnkit.layers.shape import Shape

# Chosen so that a mean of 0 and a variance of 1 stay (Klambauer et al., 2017, appendix A.1).
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


class Elu(Activation):
    """x where x ≥ 0, else alpha·(e^x − 1) (Clevert et al., 2015)."""

    kind = "elu"
    suited_init = "he"
    formula = "x where x ≥ 0, else alpha·(e^x − 1)"
    limits = "above −alpha"
    operations = Operations(compare=1, exponential=1, add=1, multiply=1)

    alpha: Number = Field(1.0, description="the negative limit is −alpha")

    @override
    def function(self, x: float) -> float:
        return x if x >= 0 else self.alpha * math.expm1(x)


class Selu(Activation):
    """The self-normalising scaled ELU (Klambauer et al., 2017)."""

    kind = "selu"
    suited_init = "lecun"
    formula = "1.0507·x where x ≥ 0, else 1.0507·1.6733·(e^x − 1)"
    limits = "above −1.76"
    operations = Operations(compare=1, exponential=1, add=1, multiply=2)

    @override
    def function(self, x: float) -> float:
        return _SELU_SCALE * (x if x >= 0 else _SELU_ALPHA * math.expm1(x))


class Prelu(Activation, Learner):
    """A leaky ReLU whose slope is learnt, one a channel (He et al., 2015).

    ``per: layer`` learns one slope for the whole layer, ``per: cell`` one for each channel of each
    cell of the map, as Keras's does without shared axes.
    """

    kind = "prelu"
    suited_init = "he"
    formula = "x where x ≥ 0, else slope·x, the slope learnt"
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

    @override
    def function(self, x: float) -> float:
        return x if x >= 0 else self.init * x


class Gelu(Activation):
    """x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel, 2016)."""

    kind = "gelu"
    suited_init = "he"
    formula = "x·Φ(x)"
    limits = "above −0.17"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=1, multiply=3)

    approximate: Flag = Field(False, description="use the tanh approximation")

    @override
    def function(self, x: float) -> float:
        return x * (1 + math.erf(x / math.sqrt(2))) / 2


class Silu(Activation):
    """x·sigmoid(x), also called swish."""

    kind = "silu"
    suited_init = "he"
    formula = "x/(1 + e^−x)"
    limits = "above −0.28"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=1, divide=1, multiply=1)

    @override
    def function(self, x: float) -> float:
        return x * _sigmoid(x)


class Mish(Activation):
    """x·tanh(softplus(x)) (Misra, 2019)."""

    kind = "mish"
    suited_init = "he"
    formula = "x·tanh(log(1 + e^x))"
    limits = "above −0.31"
    backward_reads = ("input",)
    operations = Operations(exponential=3, add=3, divide=1, multiply=1)

    @override
    def function(self, x: float) -> float:
        return x * math.tanh(_softplus(x))


class Softplus(Activation):
    """log(1 + e^x); the logarithm is counted with the exponentials."""

    kind = "softplus"
    suited_init = "he"
    formula = "log(1 + e^x)"
    limits = "above 0"
    backward_reads = ("input",)
    operations = Operations(exponential=2, add=1)

    @override
    def function(self, x: float) -> float:
        return _softplus(x)


class Celu(Activation):
    """x where x ≥ 0, else alpha·(e^(x/alpha) − 1) (Barron, 2017): smooth at 0 for any alpha."""

    kind = "celu"
    suited_init = "he"
    formula = "x where x ≥ 0, else alpha·(e^(x/alpha) − 1)"
    limits = "above −alpha"
    operations = Operations(compare=1, exponential=1, add=1, divide=1, multiply=1)

    alpha: PositiveNumber = Field(1.0, description="the negative limit is −alpha")

    @override
    def function(self, x: float) -> float:
        return x if x >= 0 else self.alpha * math.expm1(x / self.alpha)


class Softsign(Activation):
    """x/(1 + |x|)."""

    kind = "softsign"
    suited_init = "glorot"
    formula = "x/(1 + |x|)"
    limits = "between −1 and 1"
    backward_reads = ("input",)
    operations = Operations(compare=1, add=1, divide=1)

    @override
    def function(self, x: float) -> float:
        return x / (1 + abs(x))


class QuickGelu(Activation):
    """x·sigmoid(1.702·x), the GELU of CLIP (Hendrycks and Gimpel, 2016, section 2)."""

    kind = "quick_gelu"
    suited_init = "he"
    formula = "x/(1 + e^(−1.702·x))"
    limits = "above −0.16"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=1, divide=1, multiply=2)

    @override
    def function(self, x: float) -> float:
        return x * _sigmoid(1.702 * x)


class Power(Activation):
    """x to the power of ``exponent``, counted with the exponentials.

    A negative x has no power whose exponent is not a whole number: what comes out is NaN.
    """

    kind = "power"
    suited_init = "glorot"
    formula = "x^exponent"
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

    @override
    def function(self, x: float) -> float:
        try:
            return math.nan if x < 0 and self.exponent % 1 else x**self.exponent
        except (OverflowError, ZeroDivisionError):
            return math.inf


class LogSigmoid(Activation):
    """log(1/(1 + e^−x)); the logarithm is counted with the exponentials."""

    kind = "log_sigmoid"
    suited_init = "glorot"
    formula = "log(1/(1 + e^−x))"
    limits = "below 0"
    operations = Operations(exponential=2, add=1)

    @override
    def function(self, x: float) -> float:
        return -_softplus(-x)


class Tanhshrink(Activation):
    """x − tanh(x)."""

    kind = "tanhshrink"
    suited_init = "glorot"
    formula = "x − tanh(x)"
    backward_reads = ("input",)
    operations = Operations(exponential=1, add=3, divide=1)

    @override
    def function(self, x: float) -> float:
        return x - math.tanh(x)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
