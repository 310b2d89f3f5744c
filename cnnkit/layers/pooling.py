"""Pooling: the maximum or mean of windows, of the whole map, or of a given number of parts.

Pools have no weights and keep the channels. A maximum of n cells is n − 1 comparisons; a mean
is n − 1 additions and a division.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers import fit
from cnnkit.layers.advice import map_problem
from cnnkit.layers.base import Effect, Layer, Operations, broken, keeps_shape
from cnnkit.layers.field import Expects, Extents, Flag
from cnnkit.layers.problem import Problem
from cnnkit.layers.resample import adapt, whole
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import (
    Padding,
    RoundingField,
    Window,
    slide,
)


def _compared(cells: int, outputs: int) -> Operations:
    return Operations(compare=cells - outputs)


def _averaged(cells: int, outputs: int) -> Operations:
    return Operations(add=cells - outputs, divide=outputs)


class Pool(Layer):
    """The fields that the pools with a sliding window share."""

    family = "pooling"
    size_field = "size"
    field_aliases: ClassVar = {
        "pool_size": "size",
        "kernel_size": "size",
        "kernel": "size",
        "window_shape": "size",
        "strides": "stride",
        "pad": "padding",
    }

    size: Extents = Field(description="extent of the window, one number or one an axis")
    stride: Annotated[
        Extents | None, Expects("a whole number above 0, or a list of one for each axis")
    ] = Field(None, description="cells from one window to the next; left out, the window's size")
    padding: Padding = Field("valid", description="cells added round the input")
    rounding: RoundingField = Field(
        None, description="what an output that is no integer is: an error, or its floor or ceil"
    )

    def windows(self, shape: Shape) -> tuple[Window, ...] | Problem:
        """The sliding window of each spatial axis of an input of this shape."""
        return map_problem(self, shape) or slide(
            shape[:-1],
            self.size,
            self.size if self.stride is None else self.stride,
            self.padding,
            self.spread,
            self.rounding or "exact",
            self.size_field,
        )

    @property
    def filling(self) -> str:
        """What the cells of the padding hold."""
        return "nothing"

    @property
    def spread(self) -> Extents:
        """The dilation of the window."""
        return 1

    @override
    def no_op(self, shape: Shape) -> str | None:
        windows = self.windows(shape)
        if isinstance(windows, Problem):
            return None
        alone = all((w.size, w.stride, w.before, w.after) == (1, 1, 0, 0) for w in windows)
        return "its window and stride are 1" if alone else None

    def work(self, cells: int, outputs: int) -> Operations:
        """The operations of ``outputs`` windows that read ``cells`` cells together."""
        raise NotImplementedError

    def work_of(self, windows: Sequence[Window], channels: int) -> Operations:
        """The operations of all windows of all channels."""
        outputs = math.prod(window.output for window in windows) * channels
        return self.work(outputs * math.prod(window.size for window in windows), outputs)

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        windows = self.windows(shape)
        if isinstance(windows, Problem):
            return broken(windows)
        problems = (
            *fit.check(self, shape, windows),
            *fit.padding_problem(self, shape, windows, self.filling),
        )
        if any(problem.rule != "invalid-stride" for problem in problems):
            return broken(*problems)
        output = (*(window.output for window in windows), shape[-1])
        return Effect(
            output,
            operations=self.work_of(windows, shape[-1]),
            windows=windows,
            reach=tuple(window.reach for window in windows),
            problems=problems,
        )


class MaxPool(Pool):
    """The maximum of each window; padding never wins, it counts as −∞.

    A window of 2 with its default stride of 2 halves the map: 8x8x1 → 4x4x1. An axis of D cells
    gives (D + P − F′)/stride + 1, where P is the padding of both sides and
    F′ = dilation·(size − 1) + 1.
    """

    kind = "max_pool"
    example = ("8x8x16", "max_pool: {size: 2}")
    backward_reads = ("input",)
    field_aliases: ClassVar = {
        **Pool.field_aliases,
        "window_dilation": "dilation",
        "dilation_rate": "dilation",
    }

    dilation: Extents = Field(1, description="distance of two neighbouring cells of the window")

    @property
    @override
    def spread(self) -> Extents:
        return self.dilation

    @override
    def work(self, cells: int, outputs: int) -> Operations:
        return _compared(cells, outputs)


class MeanPool(Pool):
    """The mean of each window: of its cells inside the input, or of all with ``count_padding``.

    A window of 2 with its default stride of 2 halves the map: 8x8x1 → 4x4x1. An axis of D cells
    gives (D + P − size)/stride + 1, where P is the padding of both sides.
    """

    kind = "mean_pool"
    linear = True
    example = ("8x8x16", "mean_pool: {size: 2}")
    field_aliases: ClassVar = {**Pool.field_aliases, "count_include_pad": "count_padding"}

    count_padding: Flag = Field(False, description="count the padding, as zeros, into the mean")

    @override
    def work(self, cells: int, outputs: int) -> Operations:
        return _averaged(cells, outputs)


class GlobalPool(Layer):
    """The fields that the pools of a whole map share."""

    family = "pooling"
    field_aliases: ClassVar = {"keepdims": "keep_axes", "keepdim": "keep_axes"}

    keep_axes: Flag = Field(False, description="give a map of 1x1 instead of a vector")

    def work(self, cells: int, outputs: int) -> Operations:
        """The operations of ``outputs`` channels of ``cells`` cells together."""
        raise NotImplementedError

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        advice = "leave it out: a vector has no axes left to pool"
        if problem := map_problem(self, shape, advice):
            return broken(problem)
        extents, channels = shape[:-1], shape[-1]
        axes = (1,) * len(extents) if self.keep_axes else ()
        return Effect(
            (*axes, channels),
            operations=self.work(math.prod(shape), channels),
            reach=whole(extents),
        )


class GlobalMaxPool(GlobalPool):
    """The maximum of each channel over the whole map: a vector of the channels."""

    kind = "global_max_pool"
    backward_reads = ("input",)

    @override
    def work(self, cells: int, outputs: int) -> Operations:
        return _compared(cells, outputs)


class GlobalMeanPool(GlobalPool):
    """The mean of each channel over the whole map: a vector of the channels (Lin et al., 2013)."""

    kind = "global_mean_pool"
    linear = True

    @override
    def work(self, cells: int, outputs: int) -> Operations:
        return _averaged(cells, outputs)


class AdaptivePool(Layer):
    """The fields that the pools to a given output share."""

    family = "pooling"
    field_aliases: ClassVar = {"output_size": "output"}

    output: Extents = Field(description="extent that goes out, one number or one an axis")

    @override
    def no_op(self, shape: Shape) -> str | None:
        return keeps_shape(self, shape)

    def work(self, cells: int, outputs: int) -> Operations:
        """The operations of ``outputs`` windows that read ``cells`` cells together."""
        raise NotImplementedError

    @override
    def effect(self, *inputs: Shape) -> Effect:
        shape = inputs[0]
        windows = map_problem(self, shape) or adapt(shape[:-1], self.output)
        if isinstance(windows, Problem):
            return broken(windows)
        output = (*(window.output for window in windows), shape[-1])
        cells = shape[-1] * math.prod(window.cells for window in windows)
        return Effect(
            output,
            operations=self.work(cells, math.prod(output)),
            reach=tuple(window.reach for window in windows),
        )


class AdaptiveMaxPool(AdaptivePool):
    """The maximum of as many windows as ``output`` asks for.

    Window i of an axis is [⌊i·D/O⌋, ⌈(i + 1)·D/O⌉), as in PyTorch: 7 → 3 reads 0–2, 2–4, 4–6.
    """

    kind = "adaptive_max_pool"
    example = ("7x7x16", "adaptive_max_pool: {output: 3}")
    backward_reads = ("input",)

    @override
    def work(self, cells: int, outputs: int) -> Operations:
        return _compared(cells, outputs)


class AdaptiveMeanPool(AdaptivePool):
    """The mean of as many windows as ``output`` asks for.

    Window i of an axis is [⌊i·D/O⌋, ⌈(i + 1)·D/O⌉), as in PyTorch: 7 → 3 reads 0–2, 2–4, 4–6.
    """

    kind = "adaptive_mean_pool"
    linear = True
    example = ("7x7x16", "adaptive_mean_pool: {output: 3}")

    @override
    def work(self, cells: int, outputs: int) -> Operations:
        return _averaged(cells, outputs)
