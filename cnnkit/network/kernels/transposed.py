"""A transposed convolution as an ordinary one, whose channels become the cells between its cells.

Of a stride of S each S-th output cell reads the same cells of the kernel, so that a convolution of
stride 1 gives all of them: S times the filters along each axis, each with ⌈F/S⌉ cells of the kernel
(Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016). XLA for CPUs
has no fast way to a convolution whose input is spread out, and one of as many cells as its stride
is a product of matrices.
"""

from __future__ import annotations

from itertools import chain

import jax.numpy as jnp
from jax import Array, lax

from cnnkit.network.kernels import plain
from cnnkit.network.kernels.choice import is_plain
from cnnkit.network.kernels.convolution import convolve
from cnnkit.network.kernels.plain import Sizes


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
    """As ``plain.transposed_convolve``; on CPUs faster."""
    if is_plain() or groups > 1 or set(dilation) != {1} or 0 in (*x.shape, *kernel.shape):
        return plain.transposed_convolve(
            x,
            kernel,
            stride=stride,
            dilation=dilation,
            before=before,
            output=output,
            groups=groups,
        )
    cells = [-(-size // step) for size, step in zip(kernel.shape[:-2], stride, strict=True)]
    y = convolve(
        x,
        _phases(kernel, stride, cells),
        stride=[1] * len(cells),
        padding=[(count - 1, count - 1) for count in cells],
        dilation=[1] * len(cells),
    )
    whole = _between(y, stride)
    cut = [
        (-first, first + extent - there, 0)
        for first, extent, there in zip(before, output, whole.shape[1:-1], strict=True)
    ]
    return lax.pad(whole, jnp.zeros((), whole.dtype), [(0, 0, 0), *cut, (0, 0, 0)])


def _phases(kernel: Array, stride: Sizes, cells: Sizes) -> Array:
    """The kernel ``[*F, C, K]`` as ``[*⌈F/S⌉, C, *S·K]``, the filters of each phase together."""
    rank = len(stride)
    missing = [
        (0, count * step - size)
        for count, step, size in zip(cells, stride, kernel.shape[:-2], strict=True)
    ]
    full = jnp.pad(kernel, [*missing, (0, 0), (0, 0)])
    split = full.reshape(*chain(*zip(cells, stride, strict=True)), *kernel.shape[-2:])
    flipped = jnp.flip(split, tuple(range(0, 2 * rank, 2)))
    order = (*range(0, 2 * rank, 2), 2 * rank, *range(1, 2 * rank, 2), 2 * rank + 1)
    return flipped.transpose(order).reshape(*cells, kernel.shape[-2], -1)


def _between(y: Array, stride: Sizes) -> Array:
    """Maps ``[N, *spatial, *S·K]`` as ``[N, *(spatial·S), K]``: depth to space."""
    rank, extents = len(stride), y.shape[1:-1]
    split = y.reshape(y.shape[0], *extents, *stride, -1)
    order = (0, *chain(*((1 + axis, 1 + rank + axis) for axis in range(rank))), 2 * rank + 1)
    whole = [extent * step for extent, step in zip(extents, stride, strict=True)]
    return split.transpose(order).reshape(y.shape[0], *whole, split.shape[-1])
