"""Layers that rearrange or scale the elements of a tensor, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code import hole
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.outline import Operation
from cnnkit.export.site import Site, Writer


def _flatten(site: Site[Any]) -> Operation:
    return Operation((f"layers.Flatten({named()})({{0}})" if len(site.shape) > 1 else "{0}",))


def _reshape(site: Site[Any]) -> Operation:
    return operation_of(f"layers.Reshape({hole('shape', site.output)}")


def _rearranged(site: Site[Any]) -> Operation:
    return Operation((f"{site.layer.kind}({{0}}, {hole('block', site.block)})",))


def _channel_shuffle(site: Site[layers.ChannelShuffle]) -> Operation:
    return Operation((f"channel_shuffle({{0}}, {hole('groups', site.layer.groups)})",))


def _channel_slice(site: Site[layers.ChannelSlice]) -> Operation:
    start = hole("start", site.layer.start) if site.layer.start else ""
    stop = "" if site.layer.stop is None else hole("stop", site.layer.stop)
    return Operation((f"{{0}}[..., {start}:{stop}]",))


def _scale(site: Site[layers.Scale]) -> Operation:
    if not site.layer.learnt:
        return Operation((f"{{0}} * {hole('factor', site.layer.init)}",))
    return operation_of(f"Scale({hole('init', site.layer.init)}")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "flatten": _flatten,
        "reshape": _reshape,
        "depth_to_space": _rearranged,
        "space_to_depth": _rearranged,
        "channel_shuffle": _channel_shuffle,
        "channel_slice": _channel_slice,
        "scale": _scale,
    }
)
