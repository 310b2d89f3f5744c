"""The operations as XLA has them: what every faster one must equal, and where it does not apply."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Sizes = Sequence[int]
Padding = Sequence[tuple[int, int]]
"""Cells before and after the input, a pair for each spatial axis."""


def convolve(
    x: Array, kernel: Array, *, stride: Sizes, padding: Padding, dilation: Sizes, groups: int = 1
) -> Array:
    """The convolution (cross-correlation) of maps with zeros round them.

    Args:
        x: The maps, [N, *spatial, C].
        kernel: The filters, [*kernel, C / groups, F].
        stride: Cells from one position to the next, one for each spatial axis.
        padding: Zeros before and after the input, a pair for each spatial axis.
        dilation: The distance of two neighbouring kernel cells, one for each spatial axis.
        groups: Channel groups that are convolved apart.

    Returns:
        The maps [N, *spatial, F], of the type of ``x``.
    """
    x, padding = _padded_where_xla_ends(x, kernel, stride, padding, dilation)
    spatial = tuple(range(1, x.ndim - 1))
    maps = (0, x.ndim - 1, *spatial)
    filters = (x.ndim - 1, x.ndim - 2, *range(x.ndim - 2))
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=tuple(stride),
        padding=tuple(padding),
        rhs_dilation=tuple(dilation),
        dimension_numbers=lax.ConvDimensionNumbers(maps, filters, maps),
        feature_group_count=groups,
    )


def padded_as_cells(size: int, stride: int, dilation: int, before: int) -> bool:
    """Whether the padding of an axis is made cells, so that XLA multiplies by it."""
    return (size, stride, dilation, before) == (2, 2, 1, 1)


def _padded_where_xla_ends(
    x: Array, kernel: Array, stride: Sizes, padding: Padding, dilation: Sizes
) -> tuple[Array, Padding]:
    """Maps with those paddings as cells that a gradient can't do without, and the other paddings.

    XLA's simplifier takes an axis for one of groups where kernel and input dilation are 2, the
    stride is 1 and nothing is padded. If it then exchanges maps and kernel, for the maps have fewer
    cells, it ends the process: "Window dimensions do not match RHS shape". The data gradient of a
    convolution of kernel 2 and stride 2 is one, if the padding is 1.
    """
    axes = zip(kernel.shape[:-2], stride, dilation, padding, strict=True)
    ends = [padded_as_cells(size, step, distance, pair[0]) for size, step, distance, pair in axes]
    if not any(ends):
        return x, padding
    cells = [tuple(pair) if end else (0, 0) for end, pair in zip(ends, padding, strict=True)]
    rest = [(0, 0) if end else pair for end, pair in zip(ends, padding, strict=True)]
    return jnp.pad(x, ((0, 0), *cells, (0, 0))), rest


def transposed_convolve(
    x: Array,
    kernel: Array,
    *,
    stride: Sizes,
    dilation: Sizes,
    before: Sizes,
    output: Sizes,
    groups: int = 1,
) -> Array:
    """The gradient of a convolution: the cells of its input lie a stride apart.

    Args:
        x: The maps, [N, *spatial, C].
        kernel: The filters, [*kernel, C / groups, F].
        stride: Cells of the output from one of the input to the next, one for each spatial axis.
        dilation: The distance of two neighbouring kernel cells, one for each spatial axis.
        before: The cells that are cut off before the output.
        output: The extents of the output; beyond the last cell that is reached there are zeros.
        groups: Channel groups that are convolved apart.

    Returns:
        The maps [N, *output, F], of the type of ``x``.
    """
    spatial = tuple(range(1, x.ndim - 1))
    maps = (0, x.ndim - 1, *spatial)
    filters = (x.ndim - 1, x.ndim - 2, *range(x.ndim - 2))
    reach = [step * (size - 1) for size, step in zip(kernel.shape[:-2], dilation, strict=True)]
    axes = list(zip(kernel.shape[:-2], stride, dilation, before, strict=True))
    surplus = [surplus_before(*axis) for axis in axes]
    last = [(count - 1) * step for count, step in zip(x.shape[1:-1], stride, strict=True)]
    y = lax.conv_general_dilated(
        x,
        jnp.flip(kernel, tuple(range(x.ndim - 2))),
        window_strides=[1 for _ in stride],
        padding=[  # the whole output, less what is cut off it: also below 0
            (far - first + more, extent - end - 1 + first)
            for far, first, more, extent, end in zip(
                reach, before, surplus, output, last, strict=True
            )
        ],
        lhs_dilation=tuple(stride),
        rhs_dilation=tuple(dilation),
        dimension_numbers=lax.ConvDimensionNumbers(maps, filters, maps),
        feature_group_count=groups,
    )
    return y[(slice(None), *(slice(more, None) for more in surplus))]


def surplus_before(size: int, stride: int, dilation: int, before: int) -> int:
    """Cells that a transposed convolution computes before its output and cuts off again.

    Where no cell is padded before, and the stride is the dilation and 1, XLA's simplifier may take
    the axis for one of groups, here or in the gradient of the kernel. If it then exchanges maps and
    kernel, it ends the process: "Window dimensions do not match RHS shape".
    """
    unpadded = dilation * (size - 1) == before
    return int(unpadded and stride == dilation + 1)


def max_pool(x: Array, size: Sizes, stride: Sizes, padding: Padding) -> Array:
    """The greatest cell of each window; padding holds minus infinity.

    The gradient goes to the first of equal cells, in row-major order.

    Args:
        x: The maps, [N, *spatial, C].
        size: The extent of the window, one for each spatial axis.
        stride: Cells from one position to the next, one for each spatial axis.
        padding: Cells before and after the input, a pair for each spatial axis.
    """
    # NumPy's: JAX knows the window's maximum, and its gradient, by an initial value that is known.
    lowest = np.array(-np.inf, x.dtype)
    greatest: Array = lax.reduce_window(
        x, lowest, lax.max, (1, *size, 1), (1, *stride, 1), ((0, 0), *padding, (0, 0))
    )
    return greatest


def mean_pool(
    x: Array, size: Sizes, stride: Sizes, padding: Padding, counted: Padding | None = None
) -> Array:
    """The mean of each window, summed in float32.

    Args:
        x: The maps, [N, *spatial, C].
        size: The extent of the window, one for each spatial axis.
        stride: Cells from one position to the next, one for each spatial axis.
        padding: Cells before and after the input, a pair for each spatial axis.
        counted: How many of these count as zeros; by default none does, and a window's sum is
            divided by its cells inside the input; a window without any gives 0.
    """
    total = _window_sum(x.astype(jnp.float32), size, stride, padding)
    return (total / cell_counts(x.shape[1:-1], size, stride, padding, counted)).astype(x.dtype)


def cell_counts(
    extents: Sizes, size: Sizes, stride: Sizes, padding: Padding, counted: Padding | None
) -> Array:
    """How many cells the sum of each window is divided by, of shape [1, *positions, 1]."""
    counted = counted or [(0, 0)] * len(size)
    cells = jnp.ones([n + sum(more) for n, more in zip(extents, counted, strict=True)])
    rest = [
        (before - counted_before, after - counted_after)
        for (before, after), (counted_before, counted_after) in zip(padding, counted, strict=True)
    ]
    return jnp.maximum(_window_sum(cells[None, ..., None], size, stride, rest), 1)


def _window_sum(x: Array, size: Sizes, stride: Sizes, padding: Padding) -> Array:
    total: Array = lax.reduce_window(
        x, 0.0, lax.add, (1, *size, 1), (1, *stride, 1), ((0, 0), *padding, (0, 0))
    )
    return total
