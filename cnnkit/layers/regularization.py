"""Regularizations: noise in training, nothing at inference, where they count no work."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.base import Effect, Layer
from cnnkit.layers.field import Expects, Rate
from cnnkit.layers.shape import Shape

_RATE_ALIASES = {"p": "rate", "prob": "rate", "drop_rate": "rate", "drop_prob": "rate"}


class Regularization(Layer):
    """A layer that is the identity at inference."""

    family = "regularization"
    storage = "view"  # at inference they do nothing
    linear = True

    @override
    def effect(self, *inputs: Shape) -> Effect:
        return Effect(inputs[0])


class Dropping(Regularization):
    """What sets elements to 0, and divides the others by what is left."""

    drops = True
    field_aliases: ClassVar = _RATE_ALIASES

    rate: Rate

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "its rate is 0" if self.rate == 0 else None


class Dropout(Dropping):
    """Sets elements to 0 with the probability ``rate`` (Srivastava et al., 2014).

    The others are divided by 1 − rate, so that the mean stays and inference needs no change.
    """

    kind = "dropout"
    example = ("64", "dropout: {rate: 0.5}")
    backward_reads = ("output",)  # its zeros say which elements were dropped

    rate: Rate = Field(description="the part of the elements that is dropped")


class SpatialDropout(Dropping):
    """Dropout of whole channels: the neighbours in a map are too alike (Tompson et al., 2015)."""

    kind = "spatial_dropout"
    example = ("8x8x16", "spatial_dropout: {rate: 0.2}")

    rate: Rate = Field(description="the part of the channels that is dropped")


class DropPath(Dropping):
    """Dropout of the whole tensor, an example each: stochastic depth (Huang et al., 2016).

    It stands last in the layers of a ``residual``, which it leaves with the shortcut alone.
    """

    kind = "drop_path"
    drops = False  # all of an example or nothing
    example = (
        "8x8x16",
        (
            "residual: {layers: [{conv: {filters: 16, kernel: 3, padding: same}}, "
            "{drop_path: {rate: 0.1}}]}"
        ),
    )

    rate: Rate = Field(description="the part of the examples whose branch is dropped")


class GaussianNoise(Regularization):
    """Adds normally distributed noise of mean 0 and the given standard deviation."""

    kind = "gaussian_noise"
    field_aliases: ClassVar = {"stddev": "deviation", "std": "deviation", "sigma": "deviation"}

    deviation: Annotated[
        float, Field(ge=0, allow_inf_nan=False), Expects("a number of at least 0")
    ] = Field(0.1, description="standard deviation of the noise")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return "its deviation is 0" if self.deviation == 0 else None
