"""Maps enlarged and rearranged, and channels weighed."""

import math

import keras
import numpy as np
from keras import ops

from cnnkit.export.parts.keras.layer import Applied, Registered


class Resize(Applied):
    """Enlarges the spatial axes, with half-pixel centres."""

    def of(self, x, extents, method: str):
        for axis, extent in enumerate(extents, start=1):
            given = x.shape[axis]
            places = (np.arange(extent) + 0.5) * given / extent - 0.5
            if method == "nearest":
                cells = (2 * np.arange(extent) + 1) * given // (2 * extent)
                x = ops.take(x, cells, axis=axis)
                continue
            places = places.clip(0, given - 1)
            low = np.floor(places).astype(int)
            shape = [1] * len(x.shape)
            shape[axis] = extent
            part = (places - low).astype("float32").reshape(shape)
            below = ops.take(x, low, axis=axis)
            above = ops.take(x, np.minimum(low + 1, given - 1), axis=axis)
            x = below * (1 - part) + above * part
        return x


class DepthToSpace(Applied):
    """Channels to the cells of a block, whose offset is the outer index of the channels."""

    def of(self, x, block):
        *extents, channels = x.shape[1:]
        rank, channels = len(block), channels // math.prod(block)
        y = ops.reshape(x, (-1, *extents, *block, channels))
        order = [axis for i in range(1, rank + 1) for axis in (i, rank + i)]
        y = ops.transpose(y, (0, *order, 2 * rank + 1))
        larger = [a * b for a, b in zip(extents, block, strict=True)]
        return ops.reshape(y, (-1, *larger, channels))


class SpaceToDepth(Applied):
    """The cells of a block to channels."""

    def of(self, x, block):
        *extents, channels = x.shape[1:]
        rank = len(block)
        smaller = [a // b for a, b in zip(extents, block, strict=True)]
        split = [n for pair in zip(smaller, block, strict=True) for n in pair]
        y = ops.reshape(x, (-1, *split, channels))
        order = (*range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2))
        y = ops.transpose(y, (0, *order, 2 * rank + 1))
        return ops.reshape(y, (-1, *smaller, channels * math.prod(block)))


class ChannelShuffle(Applied):
    """Takes the channels of each group in turn."""

    def of(self, x, groups: int):
        *extents, channels = x.shape[1:]
        y = ops.swapaxes(ops.reshape(x, (-1, *extents, groups, channels // groups)), -1, -2)
        return ops.reshape(y, (-1, *extents, channels))


class Scale(Registered):
    """A learnt factor for each channel, or a `shared` one."""

    def __init__(self, init: float = 1.0, shared: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.init = init
        self.shared = shared

    def build(self, input_shape):
        initializer = keras.initializers.Constant(self.init)
        shape = (1,) if self.shared else input_shape[-1:]
        self.scale = self.add_weight(shape=shape, initializer=initializer, name="scale")

    def call(self, x):
        return x * self.scale


class Entries(Applied):
    """The numbers of entries that values stand for: rounded, the nearest that there is."""

    def of(self, x, count: int):
        return ops.cast(ops.clip(ops.round(x), 0, count - 1), "int32")


class WithCoordinates(Applied):
    """The maps with a channel more for each axis: where a cell lies, from -1 to 1."""

    def of(self, x, extents):
        axes = [ops.linspace(-1.0, 1.0, n) if n > 1 else ops.zeros(1) for n in extents]
        places = ops.stack(ops.meshgrid(*axes, indexing="ij"), axis=-1)
        batch = ops.zeros_like(x[..., :1])
        return ops.concatenate([x, batch + ops.cast(places, batch.dtype)], axis=-1)
