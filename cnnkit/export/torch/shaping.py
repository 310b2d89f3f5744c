"""Layers that rearrange or scale the elements of a tensor, in the words of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import (
    axis_slice,
    channel_range,
    channels_first_order,
    fixed_scale,
    rearranged,
)
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.each import BatchToAxis
from cnnkit.spec.site import Site


def _flatten(site: Site[Any]) -> Expression:
    if len(site.shape) == 1:
        return Expression(("{0}",))
    if site.layer.keep_channels:
        return Expression(("{0}.flatten(2)",))
    if site.channels == 1 or math.prod(site.shape[:-1]) == 1:  # one order, whichever axis is first
        return Expression(("{0}.flatten(1)",))
    return Expression(("{0}.movedim(1, -1).flatten(1)",))


def _reshape(site: Site[Any]) -> Expression:
    source = "{0}" if len(site.shape) == 1 else "{0}.movedim(1, -1)"
    text = f"{source}.reshape(-1, *{hole('shape', site.output)})"
    return Expression((text if len(site.output) == 1 else f"{text}.movedim(-1, 1)",))


def _channel_shuffle(site: Site[layers.ChannelShuffle]) -> Expression:
    groups = hole("groups", site.layer.groups)
    return Expression((f"{{0}}.unflatten(1, ({groups}, -1)).transpose(1, 2).flatten(1, 2)",))


def _channel_slice(site: Site[layers.ChannelSlice]) -> Expression:
    return Expression((f"{{0}}[:, {channel_range(site.layer)}]",))


def _slice(site: Site[layers.Slice]) -> Expression:
    axis = site.layer.axis
    return axis_slice(1 if axis == "channels" else axis + 2, site.layer)


def _transpose(site: Site[layers.Transpose]) -> Expression:
    return Expression((f"{{0}}.permute{channels_first_order(site)}",))


def _scale(site: Site[layers.Scale]) -> Expression:
    if not site.layer.learnt:
        return fixed_scale(site)
    init = option("init", site.layer.init, 1.0)
    factors = site.channels if site.layer.per == "channel" else 1
    build = f"Scale({hole('channels', factors)}, {site.rank}{init})"
    return Expression(("{layer}({0})",), build)


def _axis_to_batch(site: Site[Any]) -> Expression:
    del site
    return Expression(("{0}.movedim(2, 1).flatten(0, 1)",))


def _batch_to_axis(site: Site[BatchToAxis]) -> Expression:
    extent = hole("extent", site.layer.extent)
    return Expression((f"{{0}}.unflatten(0, (-1, {extent})).movedim(1, 2)",))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "flatten": _flatten,
        "reshape": _reshape,
        "depth_to_space": rearranged,
        "space_to_depth": rearranged,
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
