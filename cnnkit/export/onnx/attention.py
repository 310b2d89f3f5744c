"""Attention as operators of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from cnnkit import layers
from cnnkit.export.onnx.writing import Writer, Writing, channels_first, reshaped, sliced
from cnnkit.layers.attention import DotProductAttention
from cnnkit.layers.resample import PartitionWindow
from cnnkit.layers.shape import Shape
from cnnkit.spec.site import Site


def _dot_product_attention(write: Writing, site: Site[DotProductAttention]) -> str:
    layer, units = site.layer, site.channels
    windows = None
    if layer.window is not None or layer.relative_bias:
        found = layer.partition(site.shape[:-1])
        windows = found if isinstance(found, tuple) else None
    q, k, v = (
        _parted(write, x, shape, layer.heads, windows, last=last)
        for x, shape, last in zip(
            write.inputs, site.shapes, ("channels", "cells", "channels"), strict=True
        )
    )
    factor = write.constant("factor", 1 / math.sqrt(units // layer.heads))
    scores = write.node("MatMul", write.node("Mul", q, factor), k)
    if windows is not None and layer.relative_bias:
        table = write.weight("relative_bias", write.array("relative_bias"))
        flat = write.node("Reshape", table, write.constant("shape", [-1, layer.heads], np.int64))
        places = write.constant("places", _places(windows), np.int64)
        bias = write.node("Gather", flat, places, axis=0)
        scores = write.node("Add", scores, write.node("Transpose", bias, perm=[2, 0, 1]))
    if windows is not None and any(window.shift for window in windows):
        scores = write.node("Add", scores, write.constant("mask", _mask(windows)))
    weights = write.node("Softmax", scores, axis=-1)
    return _joined(write, write.node("MatMul", weights, v), site.shape, layer.heads, windows)


def _pairs(windows: Sequence[PartitionWindow]) -> list[int]:
    return [each for window in windows for each in (window.extent // window.size, window.size)]


def _parted(
    write: Writing,
    x: str,
    shape: Shape,
    heads: int,
    windows: Sequence[PartitionWindow] | None,
    *,
    last: str,
) -> str:
    """[N, C, *spatial] as [N, windows, heads, cells, channels], the last two as is said."""
    *extents, units = shape
    if windows is None:
        y = reshaped(write, x, [1, heads, units // heads, math.prod(extents)])
        return write.node("Transpose", y, perm=[0, 1, 2, 4, 3]) if last == "channels" else y
    rank = len(windows)
    x = _rolled(write, x, windows, back=True)
    x = reshaped(write, x, [heads, units // heads, *_pairs(windows)])
    outer, inner = range(3, 2 * rank + 3, 2), range(4, 2 * rank + 3, 2)
    order = [1, *inner, 2] if last == "channels" else [1, 2, *inner]
    x = write.node("Transpose", x, perm=[0, *outer, *order])
    count = math.prod(window.extent // window.size for window in windows)
    ends = [math.prod(window.size for window in windows), units // heads]
    return reshaped(write, x, [count, heads, *(ends if last == "channels" else ends[::-1])])


def _joined(
    write: Writing, y: str, shape: Shape, heads: int, windows: Sequence[PartitionWindow] | None
) -> str:
    """[N, windows, heads, cells, channels] as a map, channels first."""
    *extents, units = shape
    if windows is None:
        return reshaped(write, write.node("Transpose", y, perm=[0, 1, 2, 4, 3]), [units, *extents])
    rank = len(windows)
    counts = [window.extent // window.size for window in windows]
    sizes = [window.size for window in windows]
    y = reshaped(write, y, [*counts, heads, *sizes, units // heads])
    pairs = [axis for at in range(1, rank + 1) for axis in (at, rank + 1 + at)]
    y = write.node("Transpose", y, perm=[0, rank + 1, 2 * rank + 2, *pairs])
    return _rolled(write, reshaped(write, y, [units, *extents]), windows, back=False)


def _rolled(write: Writing, x: str, windows: Sequence[PartitionWindow], *, back: bool) -> str:
    """The cells of each axis moved by the shift, what leaves at one end coming in at the other."""
    for axis, window in enumerate(windows, start=2):
        cut = window.shift if back else window.extent - window.shift
        if window.shift:
            ends = sliced(write, x, [cut], [window.extent], [axis])
            x = write.node("Concat", ends, sliced(write, x, [0], [cut], [axis]), axis=axis)
    return x


def _places(windows: Sequence[PartitionWindow]) -> np.ndarray:
    """Where the distance of two cells of a window is in the table of all, [cells, cells]."""
    sizes = [window.size for window in windows]
    cells = np.indices(sizes).reshape(len(sizes), -1)
    apart = cells[:, :, None] - cells[:, None, :]
    moved = [each + size - 1 for each, size in zip(apart, sizes, strict=True)]
    places: np.ndarray = np.ravel_multi_index(moved, [2 * size - 1 for size in sizes])
    return places


def _mask(windows: Sequence[PartitionWindow]) -> np.ndarray:
    """−∞ for cells of a window that lie at both ends of the map, [windows, 1, cells, cells]."""
    part = np.zeros([window.extent for window in windows], int)
    for axis, window in enumerate(windows):
        edge = np.arange(window.extent) >= window.extent - window.shift
        part = 2 * part + edge.reshape([-1 if axis == at else 1 for at in range(part.ndim)])
    rank = len(windows)
    part = part.reshape(_pairs(windows)).transpose([*range(0, 2 * rank, 2), *range(1, 2 * rank, 2)])
    part = part.reshape(-1, math.prod(window.size for window in windows))
    return np.where(part[:, :, None] == part[:, None, :], 0, -np.inf)[:, None]


def _position_embedding(write: Writing, site: Site[layers.PositionEmbedding]) -> str:
    del site
    embedding = np.moveaxis(write.array("embedding"), -1, 0)
    return write.node("Add", write.x, write.weight("embedding", embedding))


def _class_token(write: Writing, site: Site[layers.ClassToken]) -> str:
    """A cell of zeros before the others, and the token added to it alone."""
    length = site.shape[0]
    pads = write.constant("pads", [0, 0, 1, 0, 0, 0], np.int64)
    token = write.weight("token", write.array("token")[:, None])
    after = write.constant("after", [0, 0, 0, length], np.int64)
    return write.node("Add", write.node("Pad", write.x, pads), write.node("Pad", token, after))


def _embedding(write: Writing, site: Site[layers.Embedding]) -> str:
    table = write.weight("embedding", write.array("embedding"))
    x = write.x if not site.rank else reshaped(write, write.x, site.shape[:-1])
    least = write.constant("least", 0)
    most = write.constant("most", site.layer.entries - 1)
    entries = write.node("Clip", write.node("Round", x), least, most)
    entries = write.node("Cast", entries, to=7)  # TensorProto.INT64
    return channels_first(write, write.node("Gather", table, entries, axis=0), len(site.output) - 1)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "position_embedding": _position_embedding,
        "class_token": _class_token,
        "embedding": _embedding,
    }
)
PARTS: Mapping[str, Writer] = MappingProxyType(
    {
        "dot_product_attention": _dot_product_attention,
    }
)
