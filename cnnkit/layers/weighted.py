"""What layers with connection weights share: bias, activation, initial values."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, InstanceOf
from typing_extensions import override

from cnnkit.layers.base import Layer, Operations, Tensor, Trace, Weight
from cnnkit.layers.field import Expects
from cnnkit.layers.learner import Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape, show

Values = tuple[Any, ...]

VARIANCE_EPSILON: Final = 1e-6
"""What is added to the variance of the weights of a filter that is standardized."""


def _nested(value: object) -> object:
    """Nested lists of numbers as nested tuples; refuses what is ragged or no number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError("holds a value that is not finite")
        return float(value)
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("is not made of numbers")
    items = tuple(map(_nested, value))
    if len({_shape(item) for item in items}) > 1:
        raise ValueError("is ragged: its lists differ in length")
    return items


def _shape(values: object) -> Shape:
    return (len(values), *_shape(values[0])) if isinstance(values, tuple) else ()


def _array(value: object) -> object:
    return None if value is None else _nested(value if isinstance(value, (list, tuple)) else ())


Array = Annotated[
    Values | None, BeforeValidator(_array), Expects("nested lists of numbers, all of one length")
]
Init = Annotated[
    Literal[
        "lecun",
        "lecun_uniform",
        "he",
        "he_uniform",
        "glorot",
        "glorot_uniform",
        "orthogonal",
        "zeros",
        "ones",
    ]
    | FiniteFloat
    | None,
    Expects(
        "`lecun`, `he`, `glorot` (each also with `_uniform`), `orthogonal`, `zeros`, `ones`, "
        "or a number that all weights start from"
    ),
]
ConvInit = Annotated[
    Literal["dirac"] | Init,
    Expects(
        "`lecun`, `he`, `glorot` (each also with `_uniform`), `orthogonal`, `dirac`, `zeros`, "
        "`ones`, or a number that all weights start from"
    ),
]
STARTS: Final = "how the weights start; suited to the activation"
Bias = Annotated[
    bool | Annotated[Values, BeforeValidator(_array)],
    Expects("true, false, or a list of the bias of each filter or unit"),
]

WeightNorm = Annotated[
    Literal["none", "standardize", "scaled_standardize", "weight_norm", "spectral_norm"],
    Expects("`none`, `standardize`, `scaled_standardize`, `weight_norm` or `spectral_norm`"),
]


def _activation(value: object) -> object:
    """``"relu"`` and ``{"leaky_relu": {"slope": 0.2}}`` as the layer they stand for."""
    if value is None or isinstance(value, Layer):
        return value
    from cnnkit.layers.kinds import KINDS, layer_class

    kind: object = value
    fields: dict[str, Any] = {}
    if isinstance(value, dict) and len(value) == 1:
        ((kind, fields),) = value.items()
    if not isinstance(kind, str):
        return value
    if KINDS.get(kind) != "activation":
        raise ValueError("is no activation")
    return layer_class(kind).model_validate(fields or {})


ActivationField = Annotated[
    InstanceOf[Layer] | None,
    BeforeValidator(_activation),
    Expects("an activation, such as `relu`, or one with fields: `{leaky_relu: {slope: 0.2}}`"),
]


class Weighted(Learner):
    """A layer with connection weights, an optional bias and an optional activation.

    With ``weight_norm`` it works with other weights than it learns, those v of a filter or unit,
    N of them, with its learnt gain g:

    - ``standardize``: (v − mean)/√(variance + 1e-6) (Qiao et al., 2019; BiT), without a gain.
    - ``scaled_standardize``: g·(v − mean)/√(N·(variance + 1e-6)) (Brock et al., 2021).
    - ``weight_norm``: g·v/‖v‖ (Salimans and Kingma, 2016); g starts as ‖v‖.
    - ``spectral_norm``: W/σ, σ = uᵀ·W·v being the largest singular value of the matrix W of all
      filters (Miyato et al., 2018). Each pass of training makes the vectors u and v better by one
      step of the power method; they are state.

    That is done once for all examples, and before inference: it adds no work to an example.
    """

    activation_fields = ("activation",)
    backward_reads = ("input",)
    linear = True
    # Whether all positions have the same weights, and whether each output reads several channels.
    shares_weights: ClassVar[bool] = True
    mixes_channels: ClassVar[bool] = True

    bias: Bias = Field(True, description="add a learnt bias; or the values it starts from")
    activation: ActivationField = Field(
        None, description="an activation of the output, a kind or a kind with fields"
    )
    init: ConvInit = Field(None, description=STARTS)
    weights: Array = Field(None, description="the values that the weights start from")
    weight_norm: WeightNorm = Field(
        "none", description="how the weights of each filter or unit are normalized before use"
    )

    @property
    def has_bias(self) -> bool:
        """Whether a bias is added."""
        return self.bias is not False

    @property
    def pieces(self) -> int:
        """The sets of weights: more than one where the activation is a maxout."""
        # Not by `getattr` with a default: of a model, that raises and catches inside Pydantic.
        return vars(self.activation).get("pieces", 1) if self.activation else 1

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        y = graph.add(self, x)
        if self.activation is None:
            return y
        return graph.add(self.activation, y, label="activation")

    @property
    def has_gain(self) -> bool:
        """Whether each filter or unit has a learnt factor."""
        return self.weight_norm in ("scaled_standardize", "weight_norm")

    def arrays(self, kernel: Shape, each: Shape) -> tuple[Weight, ...]:
        """The kernel of this shape, and what each filter or unit, of this shape, has beside it."""
        weights = [Weight("kernel", kernel)]
        if self.has_bias:
            weights.append(Weight("bias", each))
        if self.has_gain:
            weights.append(Weight("gain", each))
        if self.weight_norm == "spectral_norm":
            weights.append(Weight("u", each, trainable=False))
            weights.append(Weight("v", kernel[:-1], trainable=False))
        return tuple(weights)

    def norm_problems(self, fan_in: int) -> tuple[Problem, ...]:
        """Whether the weights of a filter, as many as these, can be normalized."""
        if self.weight_norm in ("weight_norm", "spectral_norm") and self.init in ("zeros", 0):
            return (
                Problem(
                    "shape-mismatch",
                    f"`{self.weight_norm}` divides the weights by their norm, and `init` makes it "
                    "0",
                    "another `init`; 0 comes of a `scale: {init: 0}` behind the layer",
                    ("init",),
                ),
            )
        if self.weight_norm == "spectral_norm" and not self.shares_weights:
            return (
                Problem(
                    "shape-mismatch",
                    "`spectral_norm` is of one matrix of weights, and here each position has one",
                    "another `weight_norm`, or a `conv`, whose positions share their weights",
                    ("weight_norm",),
                ),
            )
        if fan_in > 1 or self.weight_norm in ("none", "weight_norm", "spectral_norm"):
            return ()
        return (
            Problem(
                "shape-mismatch",
                f"`weight_norm: {self.weight_norm}` subtracts the mean of a filter's weights, and "
                "here each has 1: it would always be 0",
                "leave it out, or `weight_norm: weight_norm`",
                ("weight_norm",),
            ),
        )

    def value_problems(self, weights: Shape, bias: Shape) -> tuple[Problem, ...]:
        """Whether `weights:` and the values of `bias:` have the shapes that the layer needs."""
        found = []
        if self.weights is not None and _shape(self.weights) != weights:
            given, needed = show(_shape(self.weights)), show(weights)
            found.append(_misshapen("weights", given, needed))
        if isinstance(self.bias, tuple) and _shape(self.bias) != bias:
            found.append(_misshapen("bias", show(_shape(self.bias)), show(bias)))
        return tuple(found)

    def bias_operations(self, outputs: int) -> Operations:
        """One addition for each output element."""
        return Operations(add=outputs if self.has_bias else 0)


def _misshapen(field: str, given: str, needed: str) -> Problem:
    return Problem(
        "shape-mismatch",
        f"`{field}` has the shape {given}, the layer needs {needed}",
        "nest the lists as [*kernel, channels, filters]; a dense layer's as [inputs, units]"
        if field == "weights"
        else "give one value for each filter or unit",
        (field,),
    )
