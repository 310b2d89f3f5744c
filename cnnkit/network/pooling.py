"""Pooling: of sliding windows, of the whole map, or of as many parts as are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import jax.numpy as jnp
import numpy as np
from jax import Array

from cnnkit import layers
from cnnkit.layers.pooling import AdaptivePool, GlobalPool, Pool
from cnnkit.layers.reduction import Reduction
from cnnkit.layers.window import Window
from cnnkit.network import kernels
from cnnkit.network.convolution import fillings, paddings, window_cells
from cnnkit.network.operation import BuildSite, Computation


@dataclass(frozen=True)
class MaxPool:
    """The maximum of each window; padding never wins."""

    windows: tuple[Window, ...]

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *positions, C]."""
        size = tuple(window.size for window in self.windows)
        stride = tuple(window.stride for window in self.windows)
        padding = paddings(self.windows)
        if all(window.dilation == 1 for window in self.windows):
            return kernels.max_pool(x, size, stride, padding)
        # JAX knows no gradient of a dilated max pool: the maximum of its cells, one by one.
        widths = ((0, 0), *padding, (0, 0))
        cells = window_cells(jnp.pad(x, widths, constant_values=-jnp.inf), self.windows)
        return reduce(jnp.maximum, cells)


@dataclass(frozen=True)
class MeanPool:
    """The mean of each window's cells inside the input, or inside input and padding."""

    windows: tuple[Window, ...]
    count_padding: bool

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *positions, C]."""
        size = tuple(window.size for window in self.windows)
        stride = tuple(window.stride for window in self.windows)
        # What `ceil` reaches beyond the padding is counted by nobody.
        counted = fillings(self.windows)
        return kernels.mean_pool(
            x, size, stride, paddings(self.windows), counted if self.count_padding else None
        )


def _windows(site: BuildSite[Pool]) -> tuple[Window, ...]:
    return tuple(window for window in site.node.effect.windows if isinstance(window, Window))


def max_pool(site: BuildSite[layers.MaxPool]) -> Computation:
    """The maximum of sliding windows."""
    return MaxPool(_windows(site))


def mean_pool(site: BuildSite[layers.MeanPool]) -> Computation:
    """The mean of sliding windows."""
    return MeanPool(_windows(site), site.layer.count_padding)


def _mean(x: Array, axis: int | tuple[int, ...], keepdims: bool = False) -> Array:
    """A mean summed in float32, of the input's type."""
    return jnp.mean(x, axis, dtype=jnp.float32, keepdims=keepdims).astype(x.dtype)


@dataclass(frozen=True)
class Global:
    """All cells of each channel as one, by a function of an array, axes and ``keepdims``."""

    function: Callable[..., Array]
    keep_axes: bool

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to vectors [N, C], or to maps of one cell."""
        return self.function(x, tuple(range(1, x.ndim - 1)), keepdims=self.keep_axes)


def global_max_pool(site: BuildSite[GlobalPool]) -> Computation:
    """The maximum of each channel."""
    return Global(jnp.max, site.layer.keep_axes)


def global_mean_pool(site: BuildSite[GlobalPool]) -> Computation:
    """The mean of each channel."""
    return Global(_mean, site.layer.keep_axes)


def _sum(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    return jnp.sum(x, axis, dtype=jnp.float32, keepdims=keepdims).astype(x.dtype)


def _norm(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The root of the sum of squares, whose slope is taken as 0 where all are 0."""
    wide = x.astype(jnp.float32)
    squares = jnp.sum(wide * wide, axis, keepdims=keepdims)
    roots = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
    return roots.astype(x.dtype)


REDUCTIONS: dict[Reduction, Callable[..., Array]] = {
    "mean": _mean,
    "max": jnp.max,
    "sum": _sum,
    "norm": _norm,
}


@dataclass(frozen=True)
class Reduce:
    """Some axes of the array as one value."""

    by: Reduction
    axes: tuple[int, ...]
    keep: bool

    def __call__(self, x: Array) -> Array:
        """An array to one whose axes are gone, or of extent 1."""
        return REDUCTIONS[self.by](x, self.axes, keepdims=self.keep)


def reduced(site: BuildSite[layers.Reduce]) -> Computation:
    """The mean, maximum, sum or norm over axes."""
    layer = site.layer
    axes = tuple(place + 1 for place in layer.places(site.shape))
    return Reduce(layer.by, axes, layer.keep)


@dataclass(frozen=True)
class Adaptive:
    """The windows [⌊i·D/O⌋, ⌈(i + 1)·D/O⌉) of each axis, an axis after the other.

    That is right for a mean as well: all windows of one column are equally wide.
    """

    output: tuple[int, ...]
    mean: bool

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *output, C]."""
        y = x.astype(jnp.float32) if self.mean else x
        for axis, output in enumerate(self.output, start=1):
            y = self._along(y, axis, output)
        return y.astype(x.dtype)

    def _along(self, x: Array, axis: int, output: int) -> Array:
        extent = x.shape[axis]
        parts = np.arange(output)
        starts, ends = parts * extent // output, -(-(parts + 1) * extent // output)
        cells = starts[:, None] + np.arange((ends - starts).max())
        inside = np.expand_dims(cells < ends[:, None], tuple(range(2, x.ndim - axis + 1)))
        taken = jnp.take(x, np.minimum(cells, extent - 1), axis)  # … O, cells of a window, …
        if not self.mean:
            return jnp.max(jnp.where(inside, taken, -jnp.inf), axis + 1)
        return jnp.sum(taken * (inside / inside.sum(1, keepdims=True)), axis + 1)


def _adaptive(site: BuildSite[AdaptivePool], *, mean: bool) -> Computation:
    output = site.node.output
    assert output is not None  # noqa: S101 - a graph without errors has all its shapes
    return Adaptive(output[:-1], mean)


def adaptive_max_pool(site: BuildSite[AdaptivePool]) -> Computation:
    """The maximum of a given number of windows."""
    return _adaptive(site, mean=False)


def adaptive_mean_pool(site: BuildSite[AdaptivePool]) -> Computation:
    """The mean of a given number of windows."""
    return _adaptive(site, mean=True)
