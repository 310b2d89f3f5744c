"""Pools as operators of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit import layers
from cnnkit.export.onnx.padding import padded, pads
from cnnkit.export.onnx.writing import (
    Writer,
    Writing,
    channels_first,
    channels_first_axis,
    reduced,
    sliced,
)
from cnnkit.export.site import Sides, both, is_zero, overhang_of, sides_of
from cnnkit.layers.filtering import binomial
from cnnkit.layers.window import Window
from cnnkit.spec.site import Site


def _max_pool(write: Writing, site: Site[layers.MaxPool]) -> str:
    windows = site.windows
    sides, x = both(sides_of(windows), overhang_of(windows)), write.x
    if not _is_narrow(windows, sides):
        x, sides = padded(write, x, sides, fill=-math.inf), ((0, 0),) * len(windows)
    dilations = [window.dilation for window in windows]
    return write.node("MaxPool", x, **_window(windows, sides), dilations=dilations)


def _mean_pool(write: Writing, site: Site[layers.MeanPool]) -> str:
    windows, counts = site.windows, site.layer.count_padding
    sides = both(sides_of(windows), overhang_of(windows))
    if _is_narrow(windows, sides) and not (counts and not is_zero(overhang_of(windows))):
        return write.node(
            "AveragePool", write.x, **_window(windows, sides), count_include_pad=int(counts)
        )
    # The mean of all cells, and what it is to that of the cells that count.
    whole = _window(windows, ((0, 0),) * len(windows))
    y = write.node("AveragePool", padded(write, write.x, sides), **whole)
    counted = [_counted(window, padding=counts) for window in windows]
    share = reduce(np.multiply.outer, [w.size / n for w, n in zip(windows, counted, strict=True)])
    return write.node("Mul", y, write.constant("share", share[None]))


def _counted(window: Window, *, padding: bool) -> NDArray[np.int64]:
    """The cells of each position that are in the input, or in the input and its padding."""
    starts = np.arange(window.output) * window.stride - window.before
    low = -window.before if padding else 0
    high = window.extent + (window.reached if padding else 0)
    return np.minimum(starts + window.size, high) - np.maximum(starts, low)


def _window(windows: Sequence[Window], sides: Sides) -> dict[str, Any]:
    return {
        "kernel_shape": [window.size for window in windows],
        "strides": [window.stride for window in windows],
        "pads": pads(sides),
    }


def _is_narrow(windows: Sequence[Window], sides: Sides) -> bool:
    """Whether each padding is below the window, as runtimes want it of a pool."""
    return all(max(side) < window.size for window, side in zip(windows, sides, strict=True))


def _global_pool(write: Writing, site: Site[Any]) -> str:
    kind = "GlobalMaxPool" if site.layer.kind == "global_max_pool" else "GlobalAveragePool"
    y = write.node(kind, write.x)
    return y if site.layer.keep_axes else write.node("Flatten", y, axis=1)


def _adaptive_pool(write: Writing, site: Site[Any]) -> str:
    is_max = site.layer.kind == "adaptive_max_pool"
    pairs = list(zip(site.shape[:-1], site.output[:-1], strict=True))
    if not any(extent % count for extent, count in pairs):
        size = [extent // count for extent, count in pairs]
        kind = "MaxPool" if is_max else "AveragePool"
        return write.node(kind, write.x, kernel_shape=size, strides=size)
    kind, y = "ReduceMax" if is_max else "ReduceMean", write.x
    for axis, (extent, count) in enumerate(pairs, start=2):
        parts = []
        for at in range(count):  # all windows of one column are equally wide
            start, stop = at * extent // count, -(-(at + 1) * extent // count)
            parts.append(reduced(write, kind, sliced(write, y, [start], [stop], [axis]), [axis]))
        y = write.node("Concat", *parts, axis=axis)
    return y


def _lp_pool(write: Writing, site: Site[layers.LpPool]) -> str:
    windows = site.windows
    x = padded(write, write.x, both(sides_of(windows), overhang_of(windows)))
    return write.node("LpPool", x, **_window(windows, ((0, 0),) * len(windows)), p=site.layer.p)


def _blur_pool(write: Writing, site: Site[layers.BlurPool]) -> str:
    """A convolution of each channel along each axis."""
    windows, x = site.windows, write.x
    x = padded(write, x, sides_of(windows), site.layer.padding_mode)
    x = padded(write, x, overhang_of(windows))
    for axis, window in enumerate(windows):
        shape = [1] * len(windows)
        shape[axis] = window.size
        weights = np.array(binomial(window.size)).reshape(shape)
        kernel = np.broadcast_to(weights, (site.channels, 1, *shape))
        strides = [window.stride if at == axis else 1 for at in range(len(windows))]
        constant = write.constant("weights", kernel)
        x = write.node("Conv", x, constant, group=site.channels, strides=strides)
    return x


_REDUCTIONS = {"mean": "ReduceMean", "max": "ReduceMax", "sum": "ReduceSum", "norm": "ReduceL2"}


def _reduce(write: Writing, site: Site[layers.Reduce]) -> str:
    layer = site.layer
    axes = sorted({channels_first_axis(axis) for axis in layer.axes})
    y = reduced(write, _REDUCTIONS[layer.by], write.x, axes, keep=layer.keep)
    # Without its channels, the last axis of a map is its channels.
    return y if layer.keep or 1 not in axes else channels_first(write, y, len(site.output) - 1)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "max_pool": _max_pool,
        "mean_pool": _mean_pool,
        "global_max_pool": _global_pool,
        "global_mean_pool": _global_pool,
        "adaptive_max_pool": _adaptive_pool,
        "adaptive_mean_pool": _adaptive_pool,
        "lp_pool": _lp_pool,
        "blur_pool": _blur_pool,
        "reduce": _reduce,
    }
)
