"""Layers that change the shape, or scale the channels."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from cnnkit import layers
from cnnkit.layers.axis import place_of
from cnnkit.layers.base import Layer
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import sides
from cnnkit.network.convolution import padded
from cnnkit.network.initialization import filled
from cnnkit.network.operation import BuildSite, Computation


def _output(site: BuildSite[Layer]) -> Shape:
    output = site.node.output
    assert output is not None  # noqa: S101 - a graph without errors has all its shapes
    return output


@dataclass(frozen=True)
class Reshape:
    """The same elements, row-major, in another shape."""

    shape: Shape

    def __call__(self, x: Array) -> Array:
        """An array [N, …] to one [N, *shape]."""
        return x.reshape((-1, *self.shape))


def reshape(site: BuildSite[Layer]) -> Computation:
    """A given shape, or the vector of a flatten."""
    return Reshape(_output(site))


@dataclass(frozen=True)
class Pad:
    """Cells added round the map, and channels of zeros."""

    cells: tuple[tuple[int, int], ...]
    channels: tuple[int, int]
    mode: str

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to larger maps."""
        x = padded(x, self.cells, self.mode)
        return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [self.channels])


def pad(site: BuildSite[layers.Pad]) -> Computation:
    """Cells and channels added."""
    layer = site.layer
    return Pad(sides(layer.padding, site.rank) or (), layer.channel_sides, layer.padding_mode)


@dataclass(frozen=True)
class Crop:
    """Cells cut off each side; the tensor that gives the extents is not read."""

    cells: tuple[tuple[int, int], ...]

    def __call__(self, x: Array, *_: Array) -> Array:
        """Maps [N, *spatial, C] to smaller maps."""
        kept = [slice(a, n - b) for (a, b), n in zip(self.cells, x.shape[1:-1], strict=True)]
        return x[(slice(None), *kept)]


def crop(site: BuildSite[layers.Crop]) -> Computation:
    """A number of cells off each side, or the middle as large as another map."""
    return Crop(site.layer.cells_off(site.shape[:-1], _output(site)[:-1]))


@dataclass(frozen=True)
class Upsample:
    """New cells by half-pixel centres: cell i of n reads at (i + 1/2)·D/n − 1/2."""

    extents: Shape
    linear: bool

    def __call__(self, x: Array, *_: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *extents, C]."""
        for axis, extent in enumerate(self.extents, start=1):
            if extent != x.shape[axis]:
                x = _between(x, axis, extent) if self.linear else _repeated(x, axis, extent)
        return x


def _repeated(x: Array, axis: int, outputs: int) -> Array:
    """Each new cell the one that its centre lies in."""
    extent = x.shape[axis]
    if outputs % extent == 0:
        return jnp.repeat(x, outputs // extent, axis)
    return jnp.take(x, (2 * np.arange(outputs) + 1) * extent // (2 * outputs), axis)


def _between(x: Array, axis: int, outputs: int) -> Array:
    """Each new cell on the line between the two nearest; the border cells go on."""
    extent = x.shape[axis]
    places = (np.arange(outputs) + 0.5) * extent / outputs - 0.5
    places = np.clip(places, 0, extent - 1)
    low = np.minimum(np.floor(places).astype(int), max(extent - 2, 0))
    part = jnp.asarray(np.expand_dims(places - low, tuple(range(1, x.ndim - axis))), x.dtype)
    below, above = jnp.take(x, low, axis), jnp.take(x, np.minimum(low + 1, extent - 1), axis)
    return below * (1 - part) + above * part


def upsample(site: BuildSite[layers.Upsample]) -> Computation:
    """Enlarged by a factor, or to another map's extents."""
    return Upsample(_output(site)[:-1], site.layer.method == "linear")


def _pairs(rank: int) -> tuple[int, ...]:
    """The order of axes [N, *cells, *block, C] that puts each axis of the block behind its own."""
    return (0, *(at for axis in range(1, rank + 1) for at in (axis, axis + rank)), 2 * rank + 1)


@dataclass(frozen=True)
class DepthToSpace:
    """Channels to the cells of a block, its offset the outer index of the channels."""

    block: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, B·C] to maps [N, *spatial·block, C]."""
        extents, rank = x.shape[1:-1], len(self.block)
        y = x.reshape((x.shape[0], *extents, *self.block, -1)).transpose(_pairs(rank))
        larger = [extent * cells for extent, cells in zip(extents, self.block, strict=True)]
        return y.reshape((x.shape[0], *larger, -1))


@dataclass(frozen=True)
class SpaceToDepth:
    """The cells of a block to channels, the inverse of ``DepthToSpace``."""

    block: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        """Maps [N, *spatial, C] to maps [N, *spatial/block, B·C]."""
        rank = len(self.block)
        smaller = [n // cells for n, cells in zip(x.shape[1:-1], self.block, strict=True)]
        split = [n for pair in zip(smaller, self.block, strict=True) for n in pair]
        y = x.reshape((x.shape[0], *split, x.shape[-1])).transpose(np.argsort(_pairs(rank)))
        return y.reshape((x.shape[0], *smaller, -1))


def _block(larger: Shape, smaller: Shape) -> tuple[int, ...]:
    return tuple(a // b for a, b in zip(larger[:-1], smaller[:-1], strict=True))


def depth_to_space(site: BuildSite[Layer]) -> Computation:
    """Channels to cells."""
    return DepthToSpace(_block(_output(site), site.shape))


def space_to_depth(site: BuildSite[Layer]) -> Computation:
    """Cells to channels."""
    return SpaceToDepth(_block(site.shape, _output(site)))


@dataclass(frozen=True)
class ChannelShuffle:
    """The channels of each group in turn."""

    groups: int

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        split = x.reshape((*x.shape[:-1], self.groups, x.shape[-1] // self.groups))
        return split.swapaxes(-1, -2).reshape(x.shape)


def channel_shuffle(site: BuildSite[layers.ChannelShuffle]) -> Computation:
    """The channels of each group in turn."""
    return ChannelShuffle(site.layer.groups)


@dataclass(frozen=True)
class ChannelSlice:
    """The channels from ``start`` up to ``stop``."""

    start: int
    stop: int | None

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of fewer channels."""
        return x[..., self.start : self.stop]


def channel_slice(site: BuildSite[layers.ChannelSlice]) -> Computation:
    """Some of the channels."""
    return ChannelSlice(site.layer.start, site.layer.stop)


@dataclass(frozen=True)
class Slice:
    """An axis of the array from ``start`` up to ``stop``."""

    axis: int
    start: int
    stop: int | None

    def __call__(self, x: Array) -> Array:
        """An array to one with a part of an axis."""
        return x[(slice(None),) * self.axis + (slice(self.start, self.stop),)]


def slice_of(site: BuildSite[layers.Slice]) -> Computation:
    """A part of an axis."""
    layer = site.layer
    return Slice(place_of(layer.axis, site.shape) + 1, layer.start, layer.stop)


@dataclass(frozen=True)
class Transpose:
    """The axes of the array in another order, the batch first."""

    order: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        """An array [N, …] to one of other axes."""
        return x.transpose(self.order)


def transpose(site: BuildSite[layers.Transpose]) -> Computation:
    """Axes in another order."""
    return Transpose((0, *(place + 1 for place in site.layer.places(site.shape))))


class Scale(nnx.Module):
    """A learnt factor a channel, or one for all."""

    def __init__(self, factors: int, init: float) -> None:
        self.scale = nnx.Param(filled(factors, init))

    def __call__(self, x: Array) -> Array:
        """An array [N, …, C] to one of the same shape."""
        return x * self.scale[...].astype(x.dtype)


@dataclass(frozen=True)
class Factor:
    """A constant factor."""

    factor: float

    def __call__(self, x: Array) -> Array:
        """An array to one of the same shape."""
        return x * self.factor


def scale(site: BuildSite[layers.Scale]) -> Computation:
    """Learnt factors, or one constant."""
    layer = site.layer
    factors = site.channels if layer.per == "channel" else 1
    return Scale(factors, layer.init) if layer.learnt else Factor(layer.init)
