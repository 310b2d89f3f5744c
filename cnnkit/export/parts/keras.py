"""Helpers for what Keras has no layer of; channels are last, [N, *spatial, C]."""

import itertools
import math

import keras
import numpy as np
from keras import layers, ops


class Given(keras.initializers.Initializer):
    """These values; `swapped` for a kernel whose last axis is the channels that come in."""

    def __init__(self, values, swapped: bool = False) -> None:
        self.values = values
        self.swapped = swapped

    def __call__(self, shape, dtype=None):
        values = np.asarray(self.values, "float32")
        values = values.swapaxes(-1, -2) if self.swapped else values
        if values.size == math.prod(shape):
            return ops.convert_to_tensor(values.reshape(shape), dtype)
        return ops.convert_to_tensor(np.broadcast_to(values, shape), dtype)  # a bias everywhere

    def get_config(self):
        return {"values": self.values, "swapped": self.swapped}


class Swapped(keras.initializers.Initializer):
    """An initializer of a kernel whose last axis is the channels that come in."""

    def __init__(self, initializer: str) -> None:
        self.initializer = initializer

    def __call__(self, shape, dtype=None):
        shape = (*shape[:-2], shape[-1], shape[-2])
        return ops.swapaxes(keras.initializers.get(self.initializer)(shape, dtype), -1, -2)

    def get_config(self):
        return {"initializer": self.initializer}


def pad(x, sides, mode: str):
    """Adds cells (before, after) along each spatial axis; the mode is numpy's."""
    for axis, (before, after) in enumerate(sides, start=1):
        cells = np.pad(np.arange(x.shape[axis]), (before, after), mode)
        x = ops.take(x, cells, axis=axis)
    return x


def filter_norm(base, how: str, positions: int = 0, swapped: bool = False):
    """A class of layers whose kernel is normalized, filter by filter, before it is used."""

    class FilterNorm(base):
        def build(self, input_shape):
            super().build(input_shape)
            if how != "standardize":
                norms = ops.sqrt(ops.sum(ops.square(self._kernel), self._axes()))
                start = norms if how == "weight_norm" else ops.ones_like(norms)
                self.gain = self.add_weight(shape=norms.shape, initializer="ones", name="gain")
                self.gain.assign(start)

        def _axes(self):
            axes = [*range(positions, len(self._kernel.shape))]
            del axes[-2 if swapped else -1]
            return axes

        @property
        def kernel(self):
            kernel, axes = ops.convert_to_tensor(self._kernel), self._axes()
            if how == "weight_norm":
                kernel = kernel * ops.rsqrt(ops.sum(ops.square(kernel), axes, keepdims=True))
            else:
                kernel = kernel - ops.mean(kernel, axes, keepdims=True)
                variance = ops.mean(ops.square(kernel), axes, keepdims=True)
                kernel = kernel * ops.rsqrt(variance + 1e-6)
            if how == "scaled_standardize":
                kernel = kernel / math.prod(kernel.shape[axis] for axis in axes) ** 0.5
            return kernel if how == "standardize" else kernel * ops.expand_dims(self.gain, axes)

        @kernel.setter
        def kernel(self, value):
            self._kernel = value

    return FilterNorm


class LocallyConnected(layers.Layer):
    """A convolution, unpadded, whose positions have weights of their own."""

    def __init__(
        self,
        filters: int,
        positions,
        kernel_size,
        strides,
        dilation_rate,
        groups: int = 1,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.positions = tuple(positions)
        self.kernel_size = tuple(kernel_size)
        self.strides = tuple(strides)
        self.dilation_rate = tuple(dilation_rate)
        self.groups = groups
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape):
        one = (*self.kernel_size, input_shape[-1] // self.groups, self.filters)

        def initial(shape, dtype=None):
            if not isinstance(self.kernel_initializer, str):
                return self.kernel_initializer(shape, dtype)
            made = [
                keras.initializers.get(self.kernel_initializer)(one, dtype)
                for _ in range(math.prod(self.positions))
            ]
            return ops.reshape(ops.stack(made), shape)

        shape = (*self.positions, *one)
        self.kernel = self.add_weight(shape=shape, initializer=initial, name="kernel")
        self.bias = None
        if self.use_bias:
            shape = (*self.positions, self.filters)
            self.bias = self.add_weight(shape=shape, initializer=self.bias_initializer, name="bias")

    def call(self, x):
        cells = []  # one kernel cell at all positions: [N, *positions, C]
        for offset in itertools.product(*map(range, self.kernel_size)):
            starts = [d * k for d, k in zip(self.dilation_rate, offset, strict=True)]
            spans = [
                slice(a, a + s * (count - 1) + 1, s)
                for a, count, s in zip(starts, self.positions, self.strides, strict=True)
            ]
            cells.append(x[(slice(None), *spans)])
        patches = ops.stack(cells, axis=-2)
        channels = self.kernel.shape[-2]
        split = (-1, *self.positions, len(cells), self.groups, channels)
        matrices = (*self.positions, len(cells), channels, self.groups, -1)
        axes = "xyz"[: len(self.positions)]
        y = ops.einsum(
            f"n{axes}kgc,{axes}kcgf->n{axes}gf",
            ops.reshape(patches, split),
            ops.reshape(self.kernel, matrices),
        )
        y = ops.reshape(y, (-1, *self.positions, self.filters))
        return y if self.bias is None else y + self.bias

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.positions, self.filters)


def dilated_max_pool(x, size, strides, dilation, outputs):
    """The maximum of windows whose cells lie `dilation` apart."""
    windows = []  # one cell of all windows
    for offset in itertools.product(*map(range, size)):
        starts = [d * k for d, k in zip(dilation, offset, strict=True)]
        spans = [
            slice(a, a + s * (count - 1) + 1, s)
            for a, count, s in zip(starts, outputs, strides, strict=True)
        ]
        windows.append(x[(slice(None), *spans, slice(None))])
    maximum = windows[0]
    for window in windows[1:]:
        maximum = ops.maximum(maximum, window)
    return maximum


def mean_pool(x, size, strides, sides, overhang, count_padding: bool):
    """The mean of windows that also lie in padding."""
    counted = np.ones((1, *x.shape[1:-1], 1), "float32")
    around, beyond = [(0, 0), *sides, (0, 0)], [(0, 0), *overhang, (0, 0)]
    counted = np.pad(counted, around, constant_values=float(count_padding))
    counted = ops.average_pool(np.pad(counted, beyond), size, strides, "valid", "channels_last")
    x = ops.pad(ops.pad(x, around), beyond)
    return ops.average_pool(x, size, strides, "valid", "channels_last") / counted


def adaptive_pool(x, output, reduce):
    """Reduces the windows [floor(i*D/O), ceil((i + 1)*D/O)) of each axis."""
    for axis, count in enumerate(output, start=1):
        extent, before = x.shape[axis], (slice(None),) * axis
        bounds = [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]
        windows = [x[(*before, slice(a, b))] for a, b in bounds]
        reduced = [reduce(window, axis=axis, keepdims=True) for window in windows]
        x = ops.concatenate(reduced, axis=axis)
    return x


class GlobalResponseNorm(layers.Layer):
    """Each channel by its norm beside the mean norm of all, added to what comes in."""

    def __init__(self, epsilon: float = 1e-6, **kwargs) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        shape = input_shape[-1:]
        self.scale = self.add_weight(shape=shape, initializer="zeros", name="scale")
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")

    def call(self, x):
        axes = tuple(range(1, len(x.shape) - 1))
        norms = ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True))
        beside = norms / (ops.mean(norms, axis=-1, keepdims=True) + self.epsilon)
        return self.scale * (x * beside) + self.shift + x


def rms_norm(x, epsilon: float):
    """The root mean square normalization without a scale."""
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + epsilon)


def maxout(x, pieces: int):
    """The maximum over groups of `pieces` neighbouring channels."""
    *extents, channels = x.shape[1:]
    return ops.max(ops.reshape(x, (-1, *extents, channels // pieces, pieces)), axis=-1)


def local_response_norm(x, size: int, alpha: float, beta: float, k: float):
    """X / (k + alpha * mean of the squares of `size` neighbouring channels) ** beta."""
    channels = x.shape[-1]
    sides = [(0, 0)] * (len(x.shape) - 1) + [(size // 2, (size - 1) // 2)]
    squares = ops.pad(x * x, sides)
    total = squares[..., :channels]
    for i in range(1, size):
        total = total + squares[..., i : i + channels]
    return x / (k + alpha / size * total) ** beta


def resize(x, extents, method: str):
    """Enlarges the spatial axes, with half-pixel centres."""
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


def depth_to_space(x, block):
    """Channels to the cells of a block, whose offset is the outer index of the channels."""
    *extents, channels = x.shape[1:]
    rank, channels = len(block), channels // math.prod(block)
    y = ops.reshape(x, (-1, *extents, *block, channels))
    order = [axis for i in range(1, rank + 1) for axis in (i, rank + i)]
    y = ops.transpose(y, (0, *order, 2 * rank + 1))
    larger = [a * b for a, b in zip(extents, block, strict=True)]
    return ops.reshape(y, (-1, *larger, channels))


def space_to_depth(x, block):
    """The cells of a block to channels."""
    *extents, channels = x.shape[1:]
    rank = len(block)
    smaller = [a // b for a, b in zip(extents, block, strict=True)]
    split = [n for pair in zip(smaller, block, strict=True) for n in pair]
    y = ops.reshape(x, (-1, *split, channels))
    order = (*range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2))
    y = ops.transpose(y, (0, *order, 2 * rank + 1))
    return ops.reshape(y, (-1, *smaller, channels * math.prod(block)))


def channel_shuffle(x, groups: int):
    """Takes the channels of each group in turn."""
    *extents, channels = x.shape[1:]
    y = ops.swapaxes(ops.reshape(x, (-1, *extents, groups, channels // groups)), -1, -2)
    return ops.reshape(y, (-1, *extents, channels))


class Scale(layers.Layer):
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


class DotProductAttention(layers.Layer):
    """Each query's mean of the values, weighed by how well their keys match it, head by head."""

    def __init__(self, heads: int, dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.heads = heads
        self.drop = layers.Dropout(dropout)

    def attend(self, q, k, v, bias, training):
        """Of [..., heads, cells, channels]."""
        scores = ops.matmul(q, ops.swapaxes(k, -1, -2)) / math.sqrt(q.shape[-1])
        weights = ops.softmax(scores if bias is None else scores + bias, axis=-1)
        return ops.matmul(self.drop(weights, training=training), v)

    def call(self, inputs, training=None):
        query = inputs[0]
        q, k, v = (
            ops.swapaxes(
                ops.reshape(
                    x, (-1, math.prod(x.shape[1:-1]), self.heads, x.shape[-1] // self.heads)
                ),
                1,
                2,
            )
            for x in inputs
        )
        y = self.attend(q, k, v, None, training)
        return ops.reshape(ops.swapaxes(y, 1, 2), (-1, *query.shape[1:]))

    def compute_output_shape(self, input_shape):
        return input_shape[0]


class WindowAttention(DotProductAttention):
    """The same among the cells of each window, with a learnt number for the distance of two."""

    def __init__(
        self, heads, extents, window, shift, relative_bias=False, dropout: float = 0.0, **kwargs
    ) -> None:
        super().__init__(heads, dropout, **kwargs)
        self.extents = extents
        self.window = window
        self.shift = shift
        self.has_bias = relative_bias

    def build(self, input_shape):
        del input_shape
        if self.has_bias:
            self.relative_bias = self.add_weight(
                shape=(*(2 * size - 1 for size in self.window), self.heads),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="relative_bias",
            )

    def parted(self, x, heads: int):
        """[N, *spatial, C] as [N, windows, heads, cells of a window, channels of a head]."""
        rank, channels = len(self.window), x.shape[-1] // heads
        counts = [extent // size for extent, size in zip(self.extents, self.window, strict=True)]
        pairs = [each for pair in zip(counts, self.window, strict=True) for each in pair]
        x = ops.reshape(x, (-1, *pairs, heads, channels))
        windows, cells = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        x = ops.transpose(x, (0, *windows, 2 * rank + 1, *cells, 2 * rank + 2))
        return ops.reshape(x, (-1, math.prod(counts), heads, math.prod(self.window), channels))

    def bias(self):
        """What is added to the scores, [windows, heads, cells, cells]."""
        part, rank = np.zeros(self.extents), len(self.window)
        for axis, (extent, moved) in enumerate(zip(self.extents, self.shift, strict=True)):
            edge = np.arange(extent) >= extent - moved
            part = 2 * part + edge.reshape([-1 if axis == at else 1 for at in range(rank)])
        pairs = [
            each for e, w in zip(self.extents, self.window, strict=True) for each in (e // w, w)
        ]
        part = part.reshape(pairs).transpose(*range(0, 2 * rank, 2), *range(1, 2 * rank, 2))
        part = part.reshape(-1, math.prod(self.window))
        apart = part[:, :, None] != part[:, None, :]
        bias = ops.convert_to_tensor(np.where(apart, -np.inf, 0).astype("float32")[:, None])
        if not self.has_bias:
            return bias
        cells = np.indices(self.window).reshape(len(self.window), -1)
        apart = cells[:, :, None] - cells[:, None, :]
        sizes = [2 * size - 1 for size in self.window]
        places = np.ravel_multi_index(
            [a + s // 2 for a, s in zip(apart, sizes, strict=True)], sizes
        )
        table = ops.reshape(self.relative_bias, (-1, self.heads))
        return bias + ops.moveaxis(ops.take(table, places, axis=0), -1, 0)

    def call(self, inputs, training=None):
        rank, query = len(self.window), inputs[0]
        axes = tuple(range(1, rank + 1))
        back = tuple(-cells for cells in self.shift)
        q, k, v = (self.parted(ops.roll(x, back, axes), self.heads) for x in inputs)
        y = self.attend(q, k, v, self.bias(), training)
        counts = [extent // size for extent, size in zip(self.extents, self.window, strict=True)]
        y = ops.reshape(y, (-1, *counts, self.heads, *self.window, y.shape[-1]))
        pairs = [axis for at in range(1, rank + 1) for axis in (at, rank + 1 + at)]
        y = ops.transpose(y, (0, *pairs, rank + 1, 2 * rank + 2))
        return ops.roll(ops.reshape(y, (-1, *query.shape[1:])), self.shift, axes)


class PositionEmbedding(layers.Layer):
    """A learnt vector for each position, added."""

    def __init__(self, stddev: float = 0.02, **kwargs) -> None:
        super().__init__(**kwargs)
        self.stddev = stddev

    def build(self, input_shape):
        initializer = keras.initializers.RandomNormal(stddev=self.stddev)
        self.embedding = self.add_weight(
            shape=input_shape[1:], initializer=initializer, name="embedding"
        )

    def call(self, x):
        return x + self.embedding


class ClassToken(layers.Layer):
    """A learnt vector before a sequence [N, L, C]."""

    def build(self, input_shape):
        self.token = self.add_weight(shape=input_shape[-1:], initializer="zeros", name="token")

    def call(self, x):
        token = ops.zeros_like(x[:, :1]) + self.token
        return ops.concatenate([token, x], axis=1)


def entries(x, count: int):
    """The numbers of entries that values stand for: rounded, the nearest that there is."""
    return ops.cast(ops.clip(ops.round(x), 0, count - 1), "int32")


def with_coordinates(x, extents):
    """The maps with a channel more for each axis: where a cell lies, from -1 to 1."""
    axes = [ops.linspace(-1.0, 1.0, n) if n > 1 else ops.zeros(1) for n in extents]
    places = ops.stack(ops.meshgrid(*axes, indexing="ij"), axis=-1)
    batch = ops.zeros_like(x[..., :1])
    return ops.concatenate([x, batch + ops.cast(places, batch.dtype)], axis=-1)


def max_unpool(x, pooled, size):
    """Each value to where its window of the pooled maps has its maximum, the first of many."""
    few, channels, rank, count = x.shape[1:-1], x.shape[-1], len(size), math.prod(size)
    covered = [n * k for n, k in zip(few, size, strict=True)]
    apart = [n for pair in zip(few, size, strict=True) for n in pair]
    order = [0, *range(1, 2 * rank, 2), 2 * rank + 1, *range(2, 2 * rank + 1, 2)]
    cells = ops.reshape(pooled[(slice(None), *map(slice, covered))], (-1, *apart, channels))
    cells = ops.reshape(ops.transpose(cells, order), (-1, *few, channels, count))
    there = ops.cast(ops.one_hot(ops.argmax(cells, axis=-1), count), x.dtype)
    put = ops.reshape(there * ops.expand_dims(x, -1), (-1, *few, channels, *size))
    back = [order.index(axis) for axis in range(len(order))]
    y = ops.reshape(ops.transpose(put, back), (-1, *covered, channels))
    rest = [(0, n - m) for n, m in zip(pooled.shape[1:-1], covered, strict=True)]
    return ops.pad(y, [(0, 0), *rest, (0, 0)])


def lp_pool(x, p: int, pool_size, strides):
    """The p-norm of each window."""
    sums = ops.average_pool(ops.abs(x) ** p, pool_size, strides) * math.prod(pool_size)
    return ops.where(sums > 0, ops.where(sums > 0, sums, 1.0) ** (1 / p), 0.0)


def blur_pool(x, weights, stride):
    """Weighted sums of neighbouring cells along each axis, at strides."""
    for axis, (row, apart) in enumerate(zip(weights, stride, strict=True), start=1):
        last = (x.shape[axis] - len(row)) // apart * apart + 1
        before = (slice(None),) * axis
        cells = [x[(*before, slice(i, i + last, apart))] for i in range(len(row))]
        x = sum(weight * cell for weight, cell in zip(row, cells, strict=True))
    return x
