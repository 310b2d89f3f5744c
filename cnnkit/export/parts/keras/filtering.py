"""Pools that weigh their cells: by a norm, or by a blur."""

import math

from keras import ops

from cnnkit.export.parts.keras.layer import Applied


class LpPool(Applied):
    """The p-norm of each window."""

    def of(self, x, p: int, pool_size, strides):
        sums = ops.average_pool(ops.abs(x) ** p, pool_size, strides) * math.prod(pool_size)
        return ops.where(sums > 0, ops.where(sums > 0, sums, 1.0) ** (1 / p), 0.0)


class BlurPool(Applied):
    """Weighted sums of neighbouring cells along each axis, at strides."""

    def of(self, x, weights, stride):
        for axis, (row, apart) in enumerate(zip(weights, stride, strict=True), start=1):
            last = (x.shape[axis] - len(row)) // apart * apart + 1
            before = (slice(None),) * axis
            cells = [x[(*before, slice(i, i + last, apart))] for i in range(len(row))]
            x = sum(weight * cell for weight, cell in zip(row, cells, strict=True))
        return x
