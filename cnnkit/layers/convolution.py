"""The convolutions: full, depthwise, separable, transposed, and with unshared weights.

Multiply-accumulates follow torchvision's table: one for each output cell, kernel cell and
channel of its group; the bias is an addition, counted apart.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, Strict
from typing_extensions import override

from cnnkit.layers import fit
from cnnkit.layers.advice import groups_problem, map_problem, tried
from cnnkit.layers.base import Effect, Tensor, Trace, Weight, broken
from cnnkit.layers.field import Count, Expects, Extents
from cnnkit.layers.learner import ALIASES
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import TransposedWindow, transpose
from cnnkit.layers.shape import Shape
from cnnkit.layers.weighted import STARTS, Init, Weighted
from cnnkit.layers.window import (
    Padding,
    PaddingMode,
    RoundingField,
    Window,
    slide,
)

Whole = Annotated[
    NonNegativeInt | Annotated[tuple[NonNegativeInt, ...], Strict(False)],
    Expects("a whole number, or a list of one for each axis"),
]

_ALIASES = {
    **ALIASES,
    "kernel_size": "kernel",
    "strides": "stride",
    "pad": "padding",
    "kernel_dilation": "dilation",
    "dilation_rate": "dilation",
    "use_bias": "bias",
    "kernel_init": "init",
    "kernel_initializer": "init",
    "window_strides": "stride",
    "rhs_dilation": "dilation",
}
_FILTERS = {"features": "filters", "out_channels": "filters", "channels": "filters"}
_GROUPS = {"feature_group_count": "groups"}
_MULTIPLIER = {"depth_multiplier": "multiplier"}


class Convolution(Weighted):
    """The fields that all convolutions share."""

    family = "convolution"

    kernel: Extents = Field(description="extent of the filter, one number or one an axis")
    stride: Extents = Field(1, description="cells from one position to the next")
    padding: Padding = Field("valid", description="cells added round the input")
    dilation: Extents = Field(1, description="distance of two neighbouring kernel cells")
    padding_mode: PaddingMode = Field("zeros", description="what the added cells hold")
    rounding: RoundingField = Field(
        None, description="what an output that is no integer is: an error, or its floor or ceil"
    )

    def windows(self, shape: Shape) -> tuple[Window, ...] | Problem:
        """The sliding window of each spatial axis of an input of this shape."""
        return map_problem(self, shape) or slide(
            shape[:-1],
            self.kernel,
            self.stride,
            self.padding,
            self.dilation,
            self.rounding or "exact",
        )

    def convolve(self, shape: Shape, groups: int, filters: int) -> Effect:
        """The effect of ``filters`` filters that each read one of ``groups`` channel groups."""
        windows = self.windows(shape)
        if isinstance(windows, Problem):
            return broken(windows)
        channels = shape[-1]
        problems = (
            *fit.check(self, shape, windows),
            *group_problems(self, shape, groups, filters),
            *fit.padding_problem(self, shape, windows, self.padding_mode),
        )
        if any(problem.rule != "invalid-stride" for problem in problems):
            return broken(*problems)
        extents = tuple([window.output for window in windows])
        kernel = tuple([window.size for window in windows])
        sets = filters * self.pieces
        weights = self.weights_of(extents, kernel, channels // groups, sets)
        return Effect(
            output=(*extents, sets),
            weights=weights,
            neurons=((*extents, filters),),
            macs=((*extents, sets, *kernel, channels // groups),),
            operations=self.bias_operations(math.prod(extents) * sets),
            windows=windows,
            reach=tuple([window.reach for window in windows]),
            problems=(
                *problems,
                *self.value_problems(weights[0].shape, (sets,)),
                *self.norm_problems(math.prod(kernel) * channels // groups),
            ),
        )

    def weights_of(
        self, extents: Shape, kernel: Shape, channels: int, filters: int
    ) -> tuple[Weight, ...]:
        """The kernel, of shape [*kernel, channels, filters], and a filter's bias and gain."""
        del extents  # the positions share their weights
        return self.arrays((*kernel, channels, filters), (filters,))


def group_problems(
    layer: Convolution, shape: Shape, groups: int, filters: int
) -> tuple[Problem, ...]:
    """Whether channels in and filters out both split into the groups."""
    if not shape[-1] % groups and not filters % groups:
        return ()
    problem = groups_problem(layer, shape, {"input channels": shape[-1], "`filters`": filters})
    return (problem,) if problem else ()


class Conv(Convolution):
    """A convolution (cross-correlation) in 1-D, 2-D or 3-D; the rank is the input's.

    An axis of D cells gives (D + P − F′)/stride + 1, where P is the padding of both sides and
    F′ = dilation·(kernel − 1) + 1.

    With ``init: dirac`` the first filters of each group hand on one channel each, as many as there
    are, by a 1 at the kernel's centre (Zagoruyko and Komodakis, 2017); the rest start as they
    would without it.
    """

    kind = "conv"
    channels_field = "filters"
    example = ("28x28x1", "conv: {filters: 8, kernel: 3}")
    field_aliases: ClassVar = {**_ALIASES, **_FILTERS, **_GROUPS}

    filters: Count = Field(description="the number of output channels")
    groups: Count = Field(1, description="channel groups that are convolved apart")

    @override
    def effect(self, *inputs: Shape) -> Effect:
        return self.convolve(inputs[0], self.groups, self.filters)


class DepthwiseConv(Convolution):
    """Each channel is convolved with ``multiplier`` filters of its own."""

    kind = "depthwise_conv"
    mixes_channels = False
    example = ("28x28x8", "depthwise_conv: {kernel: 3, padding: same}")
    field_aliases: ClassVar = {**_ALIASES, **_MULTIPLIER}

    multiplier: Count = Field(1, description="filters for each input channel")
    init: Init = Field(None, description=STARTS)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        channels = inputs[0][-1]
        return self.convolve(inputs[0], channels, channels * self.multiplier)


class LocallyConnected(Convolution):
    """A convolution whose positions do not share: each output cell has weights of its own."""

    kind = "locally_connected"
    shares_weights = False
    channels_field = "filters"
    example = ("8x8x3", "locally_connected: {filters: 4, kernel: 3}")
    field_aliases: ClassVar = {**_ALIASES, **_FILTERS, **_GROUPS}

    filters: Count = Field(description="the number of output channels")
    groups: Count = Field(1, description="channel groups that are connected apart")
    init: Init = Field(None, description=STARTS)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        return self.convolve(inputs[0], self.groups, self.filters)

    @override
    def weights_of(
        self, extents: Shape, kernel: Shape, channels: int, filters: int
    ) -> tuple[Weight, ...]:
        """As a conv's, with the extents of the output before."""
        return self.arrays((*extents, *kernel, channels, filters), (*extents, filters))


class SeparableConv(Convolution):
    """A depthwise convolution, then a 1x1 convolution over the channels with the one bias."""

    kind = "separable_conv"
    channels_field = "filters"
    example = ("28x28x8", "separable_conv: {filters: 16, kernel: 3, padding: same}")
    field_aliases: ClassVar = {**_ALIASES, **_FILTERS, **_MULTIPLIER}

    filters: Count = Field(description="the number of output channels")
    multiplier: Count = Field(1, description="depthwise filters for each input channel")
    init: Init = Field(None, description=STARTS)
    weights: Annotated[None, Expects("nothing")] = Field(
        None, description="not offered: use depthwise_conv and conv"
    )

    @override
    def trace(self, graph: Trace, x: Tensor) -> Tensor:
        depthwise = DepthwiseConv(
            kernel=self.kernel,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            padding_mode=self.padding_mode,
            rounding=self.rounding,
            multiplier=self.multiplier,
            bias=False,
            init=self.init,
            weight_norm=self.weight_norm,
            learnt=self.learnt,
        )
        pointwise = Conv(
            filters=self.filters,
            kernel=1,
            bias=self.bias,
            activation=self.activation,
            init=self.init,
            weight_norm=self.weight_norm,
            learnt=self.learnt,
        )
        y = graph.add(pointwise, graph.add(depthwise, x, label="depthwise"), label="pointwise")
        if self.activation is None:
            return y
        return graph.add(self.activation, y, label="activation")


class TransposedConv(Convolution):
    """The gradient of a convolution as a layer: it enlarges a map (a learnt upsampling).

    An axis of D cells gives (D − 1)·stride + F′ − P + output_padding, where P is the padding of
    both sides and F′ = dilation·(kernel − 1) + 1.
    """

    kind = "transposed_conv"
    channels_field = "filters"
    example = ("14x14x16", "transposed_conv: {filters: 8, kernel: 4, stride: 2, padding: 1}")
    field_aliases: ClassVar = {**_ALIASES, **_FILTERS, **_GROUPS, "lhs_dilation": "stride"}

    filters: Count = Field(description="the number of output channels")
    groups: Count = Field(1, description="channel groups that are convolved apart")
    output_padding: Whole = Field(0, description="cells added after the output, an axis each")
    init: Init = Field(None, description=STARTS)
    padding_mode: Annotated[Literal["zeros"], Expects("`zeros`")] = Field(
        "zeros", description="what the added cells hold"
    )

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        windows = map_problem(self, shape) or transpose(
            shape[:-1], self.kernel, self.stride, self.padding, self.dilation, self.output_padding
        )
        if isinstance(windows, Problem):
            return broken(windows)
        channels, groups, sets = shape[-1], self.groups, self.filters * self.pieces
        problems = (
            *_transposed_problems(self, shape, windows),
            *group_problems(self, shape, groups, self.filters),
        )
        if problems:
            return broken(*problems)
        extents = tuple(window.output for window in windows)
        kernel = tuple(window.size for window in windows)
        weights = self.weights_of(extents, kernel, channels // groups, sets)
        return Effect(
            output=(*extents, sets),
            weights=weights,
            neurons=((*extents, self.filters),),
            macs=((*shape[:-1], *kernel, channels // groups, sets),),
            operations=self.bias_operations(math.prod(extents) * sets),
            windows=windows,
            reach=tuple(window.reach for window in windows),
            problems=(
                *self.value_problems(weights[0].shape, (sets,)),
                *self.norm_problems(math.prod(kernel) * channels // groups),
            ),
        )


def _transposed_problems(
    layer: TransposedConv, shape: Shape, windows: tuple[TransposedWindow, ...]
) -> tuple[Problem, ...]:
    for axis, window in enumerate(windows):
        limit = max(window.stride, window.dilation)
        if window.output_padding >= limit:
            return (
                Problem(
                    "shape-mismatch",
                    f"`output_padding` (={window.output_padding}) must be smaller than the "
                    f"stride or the dilation (={limit})",
                    "it only chooses between the output extents that one stride can give",
                    ("output_padding", axis),
                ),
            )
        if window.output < 1:
            return (
                Problem(
                    "window-too-large",
                    f"the padding leaves nothing: {window.formula(' ')} = {window.output}",
                    partial(_less_padding, layer, shape, windows),
                    ("padding", axis),
                ),
            )
    return ()


def _less_padding(
    layer: TransposedConv, shape: Shape, windows: tuple[TransposedWindow, ...]
) -> str:
    """The most padding that leaves something of each axis."""
    most = min((window.dilated - 1) // 2 for window in windows)
    if tried(layer, [shape], "window-too-large", padding=most):
        return f"`padding: {most}` or less on each side"
    return "less padding, or a larger map before it"
