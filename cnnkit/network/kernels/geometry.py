"""What a convolution computes, and from what: static, hashable, the same for all ways to do it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cnnkit.network.kernels.plain import Padding, Sizes


class Propagation(IntEnum):
    """The three linear operations of a convolution, by which its values and gradients go.

    Each takes two operands, in this order: the maps x and the kernel; the gradient of the output
    and the kernel; x and the gradient of the output.
    """

    forward = 0
    data_gradient = 1
    filter_gradient = 2


@dataclass(frozen=True)
class Geometry:
    """The static arguments of a convolution, and the shapes of maps and filters.

    Attributes:
        stride: Cells from one position to the next, one for each spatial axis.
        padding: Zeros before and after the input, a pair for each spatial axis.
        dilation: The distance of two neighbouring kernel cells, one for each spatial axis.
        groups: Channel groups that are convolved apart.
        input: The shape [N, *spatial, C].
        filters: The shape [*kernel, C / groups, F].
    """

    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    input: Sizes
    filters: Sizes

    @property
    def output(self) -> Sizes:
        """The shape [N, *spatial, F]."""
        axes = zip(
            self.input[1:-1],
            self.filters[:-2],
            self.stride,
            self.padding,
            self.dilation,
            strict=True,
        )
        extents = (
            (n + before + after - distance * (k - 1) - 1) // step + 1
            for n, k, step, (before, after), distance in axes
        )
        return (self.input[0], *extents, self.filters[-1])

    @property
    def is_pointwise(self) -> bool:
        """The kernel has one cell, all channels are read, and nothing is padded."""
        return (
            set(self.filters[:-2]) == {1} and self.groups == 1 and not any(map(any, self.padding))
        )

    @property
    def covers_input(self) -> bool:
        """There is one position, at which the kernel lies on all of the input and nothing else."""
        return (
            self.filters[:-2] == self.input[1:-1]
            and self.groups == 1
            and set(self.dilation) == {1}
            and not any(map(any, self.padding))
        )

    @property
    def is_depthwise(self) -> bool:
        """Each filter reads one channel."""
        return self.filters[-2] == 1 and self.groups == self.input[-1] > 1

    def shape_of(self, propagation: Propagation) -> Sizes:
        """The shape of what a propagation gives."""
        return (self.output, self.input, self.filters)[propagation]
