"""Activations: element by element, over the channels, or a maximum of several pieces."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.base import Effect, Operations, Weight, broken, elementwise
from cnnkit.layers.elementwise import (
    Activation,
    Celu,
    HardShrink,
    HardTanh,
    LogSigmoid,
    Power,
    QuickGelu,
    Softshrink,
    Softsign,
    Tanhshrink,
    Threshold,
)
from cnnkit.layers.field import Count, Flag, Number
from cnnkit.layers.gating import Glu
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape


class Linear(Activation):
    """The identity: no activation."""

    kind = "linear"
    suited_init = "glorot"
    linear = True
    storage = "view"
    backward_reads = ()

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "it is the identity"


class Relu(Activation):
    """max(0, x)."""

    kind = "relu"
    suited_init = "he"
    limits = "at 0 or above"
    operations = Operations(compare=1)


class Relu6(Activation):
    """min(max(0, x), 6)."""

    kind = "relu6"
    suited_init = "he"
    limits = "between 0 and 6"
    operations = Operations(compare=2)


class LeakyRelu(Activation):
    """x where x ≥ 0, else slope·x."""

    kind = "leaky_relu"
    suited_init = "he"
    operations = Operations(compare=1, multiply=1)
    field_aliases: ClassVar = {"negative_slope": "slope", "alpha": "slope"}

    slope: Number = Field(0.1, description="factor of negative values")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "its slope is 1" if self.slope == 1 else None


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


class Prelu(Activation):
    """A leaky ReLU whose slope is learnt, one a channel (He et al., 2015)."""

    kind = "prelu"
    suited_init = "he"
    backward_reads = ("input",)
    operations = Operations(compare=1, multiply=1)

    init: Number = Field(0.25, description="the slopes before training")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        work = elementwise(inputs[0], self.operations)
        return Effect(
            work.output,
            weights=(Weight("slope", inputs[0][-1:]),),
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


class Sigmoid(Activation):
    """1/(1 + e^−x)."""

    kind = "sigmoid"
    suited_init = "glorot"
    limits = "between 0 and 1"
    operations = Operations(exponential=1, add=1, divide=1)


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


class Tanh(Activation):
    """(e^2x − 1)/(e^2x + 1)."""

    kind = "tanh"
    suited_init = "glorot"
    limits = "between −1 and 1"
    operations = Operations(exponential=1, add=2, divide=1)


class Softplus(Activation):
    """log(1 + e^x); the logarithm is counted with the exponentials."""

    kind = "softplus"
    suited_init = "he"
    limits = "above 0"
    backward_reads = ("input",)
    operations = Operations(exponential=2, add=1)


class Softmax(Activation):
    """e^x_i / Σ e^x_k over the channels."""

    kind = "softmax"
    suited_init = "glorot"
    of_classes = True
    limits = "between 0 and 1"

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        groups, size = math.prod(shape[:-1]), shape[-1]
        work = Operations(exponential=groups * size, add=groups * (size - 1), divide=groups * size)
        return Effect(shape, operations=work)


class LogSoftmax(Activation):
    """x_i − log Σ e^x_k over the channels; the logarithm counts as one exponential."""

    kind = "log_softmax"
    suited_init = "glorot"
    of_classes = True
    limits = "at 0 or below"

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        groups, size = math.prod(shape[:-1]), shape[-1]
        work = Operations(exponential=groups * (size + 1), add=groups * (2 * size - 1))
        return Effect(shape, operations=work)


class Maxout(Activation):
    """The maximum over groups of ``pieces`` adjacent channels (Goodfellow et al., 2013).

    As the ``activation`` of a conv or dense layer, that layer has ``pieces`` sets of weights
    and as many times the multiplications; its neurons and output are those of one set.
    """

    kind = "maxout"
    suited_init = "he"
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


LAYERS = {
    layer.kind: layer
    for layer in (
        Relu,
        Relu6,
        LeakyRelu,
        Elu,
        Selu,
        Prelu,
        Gelu,
        Silu,
        Mish,
        Sigmoid,
        HardSigmoid,
        HardSilu,
        Tanh,
        Softplus,
        Celu,
        Softsign,
        HardTanh,
        QuickGelu,
        Softshrink,
        HardShrink,
        Threshold,
        Power,
        LogSigmoid,
        Tanhshrink,
        Softmax,
        LogSoftmax,
        Maxout,
        Glu,
        Linear,
    )
}
