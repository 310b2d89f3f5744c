"""Pools that the framework lacks."""

import itertools
import math

import numpy as np
from keras import ops

from cnnkit.export.parts.keras.layer import Applied


class DilatedMaxPool(Applied):
    """The maximum of windows whose cells lie `dilation` apart."""

    def of(self, x, size, strides, dilation, outputs):
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


class MeanPool(Applied):
    """The mean of windows that also lie in padding."""

    def of(self, x, size, strides, sides, overhang, count_padding: bool):
        counted = np.ones((1, *x.shape[1:-1], 1), "float32")
        around, beyond = [(0, 0), *sides, (0, 0)], [(0, 0), *overhang, (0, 0)]
        counted = np.pad(counted, around, constant_values=float(count_padding))
        counted = ops.average_pool(np.pad(counted, beyond), size, strides, "valid", "channels_last")
        x = ops.pad(ops.pad(x, around), beyond)
        return ops.average_pool(x, size, strides, "valid", "channels_last") / counted


class AdaptivePool(Applied):
    """Reduces the windows [floor(i*D/O), ceil((i + 1)*D/O)) of each axis."""

    def of(self, x, output, by: str):
        for axis, count in enumerate(output, start=1):
            extent, before = x.shape[axis], (slice(None),) * axis
            bounds = [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]
            windows = [x[(*before, slice(a, b))] for a, b in bounds]
            reduced = [getattr(ops, by)(window, axis=axis, keepdims=True) for window in windows]
            x = ops.concatenate(reduced, axis=axis)
        return x


class MaxUnpool(Applied):
    """Each value to where its window of the pooled maps has its maximum, the first of many."""

    def of(self, inputs, size):
        x, pooled = inputs
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
