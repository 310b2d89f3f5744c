"""Pools that are no plain mean or maximum: a norm of each window, and a blur before the stride."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from cnnkit.layers.base import Operations
from cnnkit.layers.field import Count, Expects, Extents
from cnnkit.layers.pooling import Pool
from cnnkit.layers.window import PaddingMode, Window


class LpPool(Pool):
    """The p-norm (Σ|x|^p)^(1/p) of each window; padding adds nothing to it.

    Between a sum (1) and, as p grows, the maximum of magnitudes. A power counts as one exponential,
    a square as a multiplication.
    """

    kind = "lp_pool"
    example = ("8x8x16", "lp_pool: {size: 2}")
    backward_reads = ("input", "output")
    field_aliases: ClassVar = {**Pool.field_aliases, "norm_type": "p"}

    p: Count = Field(2, description="the power: 2 is the root of the sum of squares")

    @override
    def no_op(self, shape: tuple[int, ...]) -> str | None:
        return None  # what is left of a negative value is its magnitude

    @override
    def work(self, cells: int, outputs: int) -> Operations:
        sums = Operations(add=cells - outputs)
        if self.p == 1:
            return sums
        if self.p == 2:
            return sums.plus(Operations(multiply=cells, exponential=outputs))
        return sums.plus(Operations(exponential=cells + outputs))


class BlurPool(Pool):
    """A binomial blur, 1 2 1 for a size of 3, before the stride: antialiasing (Zhang, 2019).

    Its weights are the binomial coefficients over 2^(size − 1), along one axis after the other, so
    that each output reads ``size`` cells an axis. They are no parameters, and their multiplications
    no MACs: both are constants.
    """

    kind = "blur_pool"
    linear = True
    example = ("9x9x16", "blur_pool: {padding: 1}")
    field_aliases: ClassVar = {**Pool.field_aliases, "mode": "padding_mode", "filt_size": "size"}

    size: Extents = Field(3, description="cells that are blurred, one number or one an axis")
    stride: Annotated[
        Extents | None, Expects("a whole number above 0, or a list of one for each axis")
    ] = Field(2, description="cells from one window to the next")
    padding_mode: PaddingMode = Field("reflect", description="what the added cells hold")

    @property
    @override
    def filling(self) -> str:
        return self.padding_mode

    @override
    def work_of(self, windows: Sequence[Window], channels: int) -> Operations:
        """Axis by axis, the first one first."""
        work = Operations()
        for axis, window in enumerate(windows):
            cells = math.prod(each.output for each in windows[: axis + 1]) * channels
            cells *= math.prod(each.extent for each in windows[axis + 1 :])
            if window.size > 1:
                work = work.plus(Operations(multiply=window.size, add=window.size - 1).times(cells))
        return work


def binomial(size: int) -> tuple[float, ...]:
    """The weights of a blur: ``binomial(3) == (0.25, 0.5, 0.25)``."""
    return tuple(math.comb(size - 1, k) / 2 ** (size - 1) for k in range(size))
