"""Normalizations: over the batch, the channels, or groups of them.

All but ``batch_norm`` take their statistics from the input itself. The work of a set of n
elements is counted as it stands in the formula (x − mean)/√(variance + epsilon): 3n − 1
additions (the two means, the difference, epsilon), 2n multiplications (the squares, and by the
reciprocal of the root), 3 divisions and one root, counted with the exponentials.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, FiniteFloat, Strict
from typing_extensions import override

from cnnkit.layers.advice import groups_problem, map_problem
from cnnkit.layers.base import Effect, Layer, Operations, Weight, broken, elementwise
from cnnkit.layers.field import Count, Expects, Flag, Number, PositiveNumber
from cnnkit.layers.learner import ALIASES, Learner
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape

Positive = Annotated[FiniteFloat, Field(gt=0)]
Momentum = Annotated[float, Field(ge=0, le=1), Expects("a number from 0 to 1")]
Values = Annotated[
    FiniteFloat | Annotated[tuple[FiniteFloat, ...], Strict(False), Field(min_length=1)],
    Expects("a number, or a list of one for each channel"),
]
Deviations = Annotated[
    Positive | Annotated[tuple[Positive, ...], Strict(False), Field(min_length=1)],
    Expects("a number above 0, or a list of one for each channel"),
]

_ALIASES = {
    **ALIASES,
    "eps": "epsilon",
    "center": "shift",
    "use_bias": "shift",
    "bias": "shift",
    "use_scale": "scale",
}


class Normalization(Layer):
    """The field that all normalizations with a variance share."""

    family = "normalization"
    storage = "in_place"
    backward_reads = ("input",)

    epsilon: PositiveNumber = Field(1e-5, description="added to the variance, against 0")


class Affine(Normalization, Learner):
    """The fields of normalizations that end in a learnt scale and shift."""

    field_aliases: ClassVar = _ALIASES

    scale: Flag = Field(True, description="multiply by a learnt factor a channel")
    shift: Flag = Field(True, description="add a learnt value a channel")

    def affine(self, shape: Shape) -> tuple[Weight, ...]:
        """The scale and the shift, where they are wanted."""
        wanted = {"scale": self.scale, "shift": self.shift}
        return tuple(Weight(name, shape[-1:]) for name, there in wanted.items() if there)

    def standardized(self, shape: Shape, sets: int) -> Effect:
        """The effect of standardizing ``sets`` sets of equal size that make up the input."""
        elements = math.prod(shape)
        work = Operations(
            add=3 * elements - sets + self.shift * elements,
            multiply=2 * elements + self.scale * elements,
            divide=3 * sets,
            exponential=sets,
        )
        return Effect(shape, weights=self.affine(shape), operations=work)


class BatchNorm(Affine):
    """scale·(x − mean)/√(variance + epsilon) + shift, over the batch (Ioffe and Szegedy, 2015).

    In training mean and variance are the batch's, an evaluation uses their running averages:
    running = momentum·running + (1 − momentum)·batch, of the biased variance. PyTorch's
    momentum is 1 − this one. The averages are state, not parameters. Inference folds all of it
    into one multiplication and one addition an element.
    """

    kind = "batch_norm"
    linear = True  # by the running averages
    centres_channels = True
    field_aliases: ClassVar = {**_ALIASES, "decay": "momentum"}

    momentum: Momentum = Field(0.9, description="the part of the running averages that stays")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        state = tuple(Weight(name, shape[-1:], trainable=False) for name in ("mean", "variance"))
        work = elementwise(shape, Operations(multiply=1, add=1)).operations
        return Effect(shape, weights=(*self.affine(shape), *state), operations=work)


class LayerNorm(Affine):
    """Each position is standardized over its channels (Ba et al., 2016); 2C parameters.

    ``over: all`` standardizes the whole example instead, and learns a scale and a shift of each
    element: 2·H·W·C parameters.
    """

    kind = "layer_norm"

    over: Annotated[Literal["channels", "all"], Expects("`channels` or `all`")] = Field(
        "channels", description="what is one set: the channels of a position, or all elements"
    )

    @property
    @override
    def sees_all(self) -> bool:
        return self.over == "all"

    @override
    def affine(self, shape: Shape) -> tuple[Weight, ...]:
        weights = super().affine(shape)
        return tuple(each._replace(shape=shape) for each in weights) if self.sees_all else weights

    @override
    def effect(self, *inputs: Shape) -> Effect:
        sets = 1 if self.sees_all else math.prod(inputs[0][:-1])
        return self.standardized(inputs[0], sets)


class GroupNorm(Affine):
    """Groups of neighbouring channels, over all positions (Wu and He, 2018); 2C parameters."""

    kind = "group_norm"
    example = ("8x8x16", "group_norm: {groups: 4}")
    field_aliases: ClassVar = {**_ALIASES, "num_groups": "groups"}

    groups: Count = Field(description="groups that the channels are split into")

    @property
    @override
    def sees_all(self) -> bool:
        return True

    @override
    def effect(self, *inputs: Shape) -> Effect:
        if problem := groups_problem(self, inputs[0], {"input channels": inputs[0][-1]}):
            return broken(problem)
        return self.standardized(inputs[0], sets=self.groups)


class InstanceNorm(Affine):
    """Each channel is standardized over its positions (Ulyanov et al., 2016); 2C parameters."""

    kind = "instance_norm"
    centres_channels = True

    @property
    @override
    def sees_all(self) -> bool:
        return True

    @override
    def effect(self, *inputs: Shape) -> Effect:
        advice = "use `layer_norm`: a channel of a vector is one value, its own mean"
        if problem := map_problem(self, inputs[0], advice):
            return broken(problem)
        return self.standardized(inputs[0], sets=inputs[0][-1])


class RmsNorm(Normalization, Learner):
    """scale·x/√(mean(x²) + epsilon) over the channels (Zhang and Sennrich, 2019); C parameters.

    For n channels: n additions (the mean, epsilon), 3n multiplications (squares, reciprocal,
    scale), 2 divisions and one root.
    """

    kind = "rms_norm"
    field_aliases: ClassVar = {**ALIASES, "eps": "epsilon", "use_scale": "scale"}

    scale: Flag = Field(True, description="multiply by a learnt factor a channel")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        elements, sets = math.prod(shape), math.prod(shape[:-1])
        work = Operations(
            add=elements,
            multiply=2 * elements + self.scale * elements,
            divide=2 * sets,
            exponential=sets,
        )
        weights = (Weight("scale", shape[-1:]),) if self.scale else ()
        return Effect(shape, weights=weights, operations=work)


class GlobalResponseNorm(Normalization, Learner):
    """scale·(x·N) + shift + x, N being each channel's norm beside the mean of all channels'.

    The global response normalization of ConvNeXt V2 (Woo et al., 2023): G is √Σx² of a channel
    over the map, N = G/(mean of G + epsilon). Scale and shift start at 0, where it is the
    identity; 2C parameters. For n elements: 3n additions, 3n multiplications; C + 1 divisions
    and C roots.
    """

    kind = "global_response_norm"
    field_aliases: ClassVar = {**ALIASES, "eps": "epsilon"}

    epsilon: PositiveNumber = Field(1e-6, description="added to the mean of the norms, against 0")

    @property
    @override
    def sees_all(self) -> bool:
        return True

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        if problem := map_problem(self, shape):
            return broken(problem)
        elements, channels = math.prod(shape), shape[-1]
        work = Operations(
            add=3 * elements,
            multiply=3 * elements,
            divide=channels + 1,
            exponential=channels,
        )
        weights = tuple(Weight(name, shape[-1:]) for name in ("scale", "shift"))
        return Effect(shape, weights=weights, operations=work)


class LocalResponseNorm(Layer):
    """x/(k + alpha/size·Σx²)^beta, the sum over ``size`` neighbouring channels.

    Krizhevsky et al., 2012, in PyTorch's form: alpha is divided by the size, and k is 1. (The
    paper, as Keras, leaves alpha whole, and its k is 2.) The neighbours are ⌊size/2⌋ channels
    before and ⌊(size − 1)/2⌋ after. An element counts ``size`` additions (the sum, k), 2
    multiplications (the square, alpha/size), a division and a power, with the exponentials.
    """

    kind = "local_response_norm"
    family = "normalization"
    backward_reads = ("input",)
    field_aliases: ClassVar = {"n": "size", "bias": "k"}

    size: Count = Field(5, description="channels that are summed, this one included")
    alpha: Number = Field(1e-4, description="factor of the mean of the squares")
    beta: Number = Field(0.75, description="power of the divisor")
    k: Number = Field(1.0, description="added to the divisor, against 0")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "it divides by 1" if not self.beta or (not self.alpha and self.k == 1) else None

    @override
    def effect(self, *inputs: Shape) -> Effect:
        return elementwise(
            inputs[0], Operations(add=self.size, multiply=2, divide=1, exponential=1)
        )


class Rescale(Layer):
    """(x − mean)/deviation with given constants, such as those of a data set.

    One number serves all channels. The constants are neither parameters nor state.
    """

    kind = "rescale"
    linear = True
    example = ("32x32x3", "rescale: {mean: [0.49, 0.48, 0.45], deviation: [0.25, 0.24, 0.26]}")
    family = "normalization"
    storage = "in_place"
    field_aliases: ClassVar = {"std": "deviation", "stddev": "deviation"}

    mean: Values = Field(0.0, description="subtracted, one number or one a channel")
    deviation: Deviations = Field(1.0, description="divided by, one number or one a channel")

    @override
    def no_op(self, shape: Shape) -> str | None:
        given = [
            values if isinstance(values, tuple) else (values,)
            for values in (self.mean, self.deviation)
        ]
        return (
            "the mean is 0 and the deviation 1"
            if [set(values) for values in given] == [{0}, {1}]
            else None
        )

    @override
    def effect(self, *inputs: Shape) -> Effect:
        channels = inputs[0][-1]
        for field, values in (("mean", self.mean), ("deviation", self.deviation)):
            if isinstance(values, tuple) and len(values) != channels:
                given = "1 value" if len(values) == 1 else f"{len(values)} values"
                needed = "1 channel" if channels == 1 else f"{channels} channels"
                return broken(
                    Problem(
                        "shape-mismatch",
                        f"`{field}` has {given}, the input has {needed}",
                        "give one number for all channels, or one for each channel",
                        (field,),
                    )
                )
        return elementwise(inputs[0], Operations(add=1, divide=1))
