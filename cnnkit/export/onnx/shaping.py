"""Layers that rearrange or scale the elements of a tensor, as operators of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from cnnkit import layers
from cnnkit.export.common import channels_first_order
from cnnkit.export.onnx.writing import (
    Writer,
    Writing,
    channels_first,
    channels_first_axis,
    channels_last,
    per_channel,
    reshaped,
    sliced,
)
from cnnkit.layers.axis import place_of
from cnnkit.spec.site import Site


def _reshape(write: Writing, site: Site[Any]) -> str:
    """The elements in the order that they have channels last."""
    if site.shape == site.output:
        return write.x
    one_cell = math.prod(site.shape[:-1]) == 1  # then the order is the same
    x = write.x if one_cell else channels_last(write, write.x, site.rank)
    return channels_first(write, reshaped(write, x, site.output), len(site.output) - 1)


def _depth_to_space(write: Writing, site: Site[Any]) -> str:
    *extents, _ = site.shape
    *larger, channels = site.output
    rank = site.rank
    split = reshaped(write, write.x, [*site.block, channels, *extents])
    pairs = [axis for at in range(1, rank + 1) for axis in (rank + 1 + at, at)]
    return reshaped(
        write, write.node("Transpose", split, perm=[0, rank + 1, *pairs]), [channels, *larger]
    )


def _space_to_depth(write: Writing, site: Site[Any]) -> str:
    channels = site.channels
    *smaller, depth = site.output
    pairs = [each for pair in zip(smaller, site.block, strict=True) for each in pair]
    split = reshaped(write, write.x, [channels, *pairs])
    cells, offsets = range(2, 2 * site.rank + 2, 2), range(3, 2 * site.rank + 2, 2)
    turned = write.node("Transpose", split, perm=[0, *offsets, 1, *cells])
    return reshaped(write, turned, [depth, *smaller])


def _channel_shuffle(write: Writing, site: Site[layers.ChannelShuffle]) -> str:
    *extents, channels = site.shape
    groups = site.layer.groups
    split = reshaped(write, write.x, [groups, channels // groups, *extents])
    turned = write.node("Transpose", split, perm=[0, 2, 1, *range(3, site.rank + 3)])
    return reshaped(write, turned, [channels, *extents])


def _channel_slice(write: Writing, site: Site[layers.ChannelSlice]) -> str:
    start = site.layer.start
    return sliced(write, write.x, [start], [start + site.output[-1]], [1])


def _slice(write: Writing, site: Site[layers.Slice]) -> str:
    start, axis = site.layer.start, site.layer.axis
    stop = start + site.output[place_of(axis, site.shape)]
    return sliced(write, write.x, [start], [stop], [channels_first_axis(axis)])


def _transpose(write: Writing, site: Site[layers.Transpose]) -> str:
    return write.node("Transpose", write.x, perm=channels_first_order(site))


def _scale(write: Writing, site: Site[layers.Scale]) -> str:
    if not site.layer.learnt:
        return write.node("Mul", write.x, write.constant("factor", site.layer.init))
    scale = write.weight("scale", per_channel(write.array("scale"), site.rank))
    return write.node("Mul", write.x, scale)


def _axis_to_batch(write: Writing, site: Site[Any]) -> str:
    turned = write.node("Transpose", write.x, perm=[0, 2, 1, *range(3, site.rank + 2)])
    *extents, channels = site.output
    shape = write.constant("shape", [-1, channels, *extents], np.int64)
    return write.node("Reshape", turned, shape)


def _batch_to_axis(write: Writing, site: Site[Any]) -> str:
    first, *extents, channels = site.output
    shape = write.constant("shape", [-1, first, channels, *extents], np.int64)
    apart = write.node("Reshape", write.x, shape)
    return write.node("Transpose", apart, perm=[0, 2, 1, *range(3, len(site.output) + 1)])


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "flatten": _reshape,
        "reshape": _reshape,
        "depth_to_space": _depth_to_space,
        "space_to_depth": _space_to_depth,
        "channel_shuffle": _channel_shuffle,
        "channel_slice": _channel_slice,
        "slice": _slice,
        "transpose": _transpose,
        "scale": _scale,
    }
)
PARTS: Mapping[str, Writer] = MappingProxyType(
    {
        "axis_to_batch": _axis_to_batch,
        "batch_to_axis": _batch_to_axis,
    }
)
