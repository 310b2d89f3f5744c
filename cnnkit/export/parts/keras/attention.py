"""Attention, and what a sequence gets before it."""

import math

import keras
import numpy as np
from keras import layers, ops

from cnnkit.export.parts.keras.layer import Registered


class DotProductAttention(Registered):
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


class PositionEmbedding(Registered):
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


class ClassToken(Registered):
    """A learnt vector before a sequence [N, L, C]."""

    def build(self, input_shape):
        self.token = self.add_weight(shape=input_shape[-1:], initializer="zeros", name="token")

    def call(self, x):
        token = ops.zeros_like(x[:, :1]) + self.token
        return ops.concatenate([token, x], axis=1)
