"""The convolutions: Flax's where its meaning is ours, small modules where it has none.

Windows and paddings come from the analysis, ``node.effect.windows``: nothing is computed twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from typing_extensions import override

from cnnkit import layers
from cnnkit.layers.convolution import Convolution
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.window import Window
from cnnkit.network import kernels
from cnnkit.network.initialization import bias_initializer, kernel_initializer
from cnnkit.network.operation import BuildSite, Computation, Mode
from cnnkit.network.weight_norm import normalized

Sides = tuple[tuple[int, int], ...]

_MODES = {"reflect": "reflect", "edge": "edge", "stretch": "edge", "replicate": "edge"}
_MODES["circular"] = "wrap"


def padded(x: Array, sides: Sequence[tuple[int, int]], mode: str) -> Array:
    """Maps [N, *spatial, C] with cells added round them, that hold what the mode says."""
    if not any(map(any, sides)):
        return x
    widths = ((0, 0), *sides, (0, 0))
    return jnp.pad(x, widths) if mode == "zeros" else jnp.pad(x, widths, mode=_MODES[mode])


def paddings(windows: Sequence[Window]) -> Sides:
    """Cells before and after each axis, with which XLA's floor gives our number of positions."""
    return tuple((window.before, window.reached + window.overhang) for window in windows)


def fillings(windows: Sequence[Window]) -> Sides:
    """Those of the cells that are the layer's padding, not beyond it."""
    return tuple((window.before, window.reached) for window in windows)


def overhangs(windows: Sequence[Window]) -> Sides:
    """Those of the cells that only ``rounding: ceil`` reaches, beyond the layer's padding."""
    return tuple((0, window.overhang) for window in windows)


def _convolve(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: Sides,
    *,
    rhs_dilation: Sequence[int],
    feature_group_count: int,
    **_: Any,  # what Flax's Conv leaves at the value that means nothing
) -> Array:
    return kernels.convolve(
        x,
        kernel,
        stride=strides,
        padding=padding,
        dilation=rhs_dilation,
        groups=feature_group_count,
    )


class Conv(nnx.Conv):
    """Flax's convolution, with each padding mode of the language.

    What ``rounding: ceil`` reaches beyond the padding holds zeros in every mode.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        *,
        windows: Sequence[Window],
        padding_mode: str,
        **kwargs: Any,
    ) -> None:
        sides = paddings(windows)
        self.padding_mode = padding_mode
        self.filled: Sides = ()
        if padding_mode != "zeros":
            self.filled, sides = fillings(windows), overhangs(windows)
        super().__init__(
            channels,
            filters,
            kernel_size=[window.size for window in windows],
            strides=tuple(window.stride for window in windows),
            kernel_dilation=tuple(window.dilation for window in windows),
            padding=sides,
            conv_general_dilated=_convolve,
            **kwargs,
        )
        self.use_bias = False  # it is there, but added by us

    @override
    def __call__(self, inputs: Array, out_sharding: Any = None) -> Array:
        y = super().__call__(padded(inputs, self.filled, self.padding_mode), out_sharding)
        return y if self.bias is None else kernels.add_bias(y, self.bias[...])


class NormalizedConv(Conv):
    """The same, with a kernel that is normalized before it is used."""

    def __init__(
        self,
        channels: int,
        filters: int,
        *,
        layer: Convolution,
        windows: Sequence[Window],
        **kwargs: Any,
    ) -> None:
        super().__init__(channels, filters, windows=windows, **kwargs)
        self.norm = normalized(self, layer, kwargs["rngs"])
        self.windows = tuple(windows)

    def in_mode(self, x: Array, mode: Mode) -> Array:
        """As a call; training improves what the norm is of."""
        self.norm.move(self, train=mode.train)
        return self(x)

    @override
    def __call__(self, inputs: Array, out_sharding: Any = None) -> Array:
        y = kernels.convolve(
            padded(inputs, self.filled, self.padding_mode).astype(self.dtype),
            self.norm.kernel(self).astype(self.dtype),
            stride=[window.stride for window in self.windows],
            padding=overhangs(self.windows) if self.filled else paddings(self.windows),
            dilation=[window.dilation for window in self.windows],
            groups=self.feature_group_count,
        )
        return y if self.bias is None else kernels.add_bias(y, self.bias[...])


def _built(site: BuildSite[Convolution], filters: int, groups: int) -> Conv:
    layer = site.layer
    make = Conv if layer.weight_norm == "none" else partial(NormalizedConv, layer=layer)
    return make(
        site.channels,
        filters * layer.pieces,
        windows=_windows(site),
        padding_mode=layer.padding_mode,
        feature_group_count=groups,
        use_bias=layer.has_bias,
        dtype=site.dtype,
        kernel_init=kernel_initializer(layer, site.follower),
        bias_init=bias_initializer(layer),
        rngs=site.rngs,
    )


def _windows(site: BuildSite[Convolution]) -> tuple[Window, ...]:
    return tuple(window for window in site.node.effect.windows if isinstance(window, Window))


def conv(site: BuildSite[layers.Conv]) -> Computation:
    """A convolution of all channels, or of groups of them."""
    return _built(site, site.layer.filters, site.layer.groups)


def depthwise_conv(site: BuildSite[layers.DepthwiseConv]) -> Computation:
    """A convolution of as many groups as channels."""
    return _built(site, site.channels * site.layer.multiplier, site.channels)


class TransposedConv(nnx.Module):
    """The gradient of a convolution: its input's cells lie a stride apart, the kernel is flipped.

    Flax's ConvTranspose knows no groups, and its `SAME` and `VALID` are not PyTorch's or Keras's.
    """

    def __init__(self, site: BuildSite[layers.TransposedConv]) -> None:
        layer = site.layer
        filters = layer.filters * layer.pieces
        windows = [w for w in site.node.effect.windows if isinstance(w, TransposedWindow)]
        shape = (*(window.size for window in windows), site.channels // layer.groups, filters)
        kernel_init = kernel_initializer(layer, site.follower)
        self.kernel = nnx.Param(kernel_init(site.rngs.params(), shape, jnp.float32))
        if layer.has_bias:
            bias = bias_initializer(layer)(site.rngs.params(), (filters,), jnp.float32)
            self.bias = nnx.Param(bias)
        self.norm = normalized(self, layer, site.rngs)
        self.has_bias = layer.has_bias
        self.groups = layer.groups
        self.windows = tuple(windows)
        self.dtype = site.dtype

    def in_mode(self, x: Array, mode: Mode) -> Array:
        """As a call; training improves what the norm is of."""
        self.norm.move(self, train=mode.train)
        return self(x)

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to larger ones, [N, *spatial, F]."""
        y = kernels.transposed_convolve(
            x.astype(self.dtype),
            self.norm.kernel(self).astype(self.dtype),
            stride=[window.stride for window in self.windows],
            dilation=[window.dilation for window in self.windows],
            before=[window.before for window in self.windows],
            output=[window.output for window in self.windows],
            groups=self.groups,
        )
        return y + self.bias[...].astype(self.dtype) if self.has_bias else y


def transposed_conv(site: BuildSite[layers.TransposedConv]) -> Computation:
    """A learnt upsampling."""
    return TransposedConv(site)


class LocallyConnected(nnx.Module):
    """A convolution whose positions do not share their weights: a matrix product at each."""

    def __init__(self, site: BuildSite[layers.LocallyConnected]) -> None:
        layer = site.layer
        filters = layer.filters * layer.pieces
        windows = _windows(site)
        extents = tuple(window.output for window in windows)
        sizes = tuple(window.size for window in windows)
        shape = (*extents, *sizes, site.channels // layer.groups, filters)
        kernel_init = kernel_initializer(layer, site.follower, unshared=len(extents))
        self.kernel = nnx.Param(kernel_init(site.rngs.params(), shape, jnp.float32))
        if layer.has_bias:
            bias = bias_initializer(layer)(site.rngs.params(), (filters,), jnp.float32)
            self.bias = nnx.Param(jnp.broadcast_to(bias, (*extents, filters)))
        self.norm = normalized(self, layer, site.rngs, len(extents))
        self.has_bias = layer.has_bias
        self.groups = layer.groups
        self.windows = windows
        self.padding_mode = layer.padding_mode
        self.dtype = site.dtype

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *spatial, F]."""
        cells = _patches(x.astype(self.dtype), self.windows, self.padding_mode)
        extents = tuple(window.output for window in self.windows)
        kernel = self.norm.kernel(self).astype(self.dtype)
        channels, filters = kernel.shape[-2:]
        split = (*cells.shape[:-1], self.groups, channels)
        matrices = (*extents, cells.shape[-2], channels, self.groups, filters // self.groups)
        # n example, k cell of the window, c channel and f filter of group g
        y = jnp.einsum("n...kgc,...kcgf->n...gf", cells.reshape(split), kernel.reshape(matrices))
        y = y.reshape((-1, *extents, filters))
        return y + self.bias[...].astype(self.dtype) if self.has_bias else y


def _patches(x: Array, windows: Sequence[Window], mode: str) -> Array:
    """The cells of each window, [N, *positions, cells, C]."""
    if mode != "zeros":
        x = padded(padded(x, fillings(windows), mode), overhangs(windows), "zeros")
    else:
        x = padded(x, paddings(windows), mode)
    return jnp.stack(window_cells(x, windows), axis=-2)


def window_cells(x: Array, windows: Sequence[Window]) -> list[Array]:
    """Each cell of a sliding window at all its positions, of padded maps: [N, *positions, C]."""
    cells = []
    for offset in itertools.product(*(range(window.size) for window in windows)):
        starts = [w.dilation * at for w, at in zip(windows, offset, strict=True)]
        ends = [at + w.stride * (w.output - 1) + 1 for w, at in zip(windows, starts, strict=True)]
        steps = [window.stride for window in windows]
        slices = tuple(map(slice, starts, ends, steps))
        cells.append(x[(slice(None), *slices)])
    return cells


def locally_connected(site: BuildSite[layers.LocallyConnected]) -> Computation:
    """A convolution with weights of its own at each position."""
    return LocallyConnected(site)
