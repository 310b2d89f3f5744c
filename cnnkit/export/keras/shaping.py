"""Layers that rearrange or scale the elements of a tensor, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import (
    channels_last_axis_slice,
    channels_last_order,
    channels_last_slice,
    fixed_scale,
)
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.each import BatchToAxis
from cnnkit.spec.site import Site


def _flatten(site: Site[Any]) -> Expression:
    if site.layer.keep_channels and site.rank:
        return operation_of(f"layers.Reshape({hole('shape', site.output)}")
    return Expression((f"layers.Flatten({named()})({{0}})" if len(site.shape) > 1 else "{0}",))


def _reshape(site: Site[Any]) -> Expression:
    return operation_of(f"layers.Reshape({hole('shape', site.output)}")


def _transpose(site: Site[layers.Transpose]) -> Expression:
    return operation_of(f"layers.Permute({channels_last_order(site)[1:]}")


def _scale(site: Site[layers.Scale]) -> Expression:
    if not site.layer.learnt:
        return fixed_scale(site)
    shared = option("shared", site.layer.per == "layer", False)
    return operation_of(f"Scale({hole('init', site.layer.init)}{shared}")


def _rearranged(name: str) -> Writer:
    return lambda site: operation_of(f"{name}(block={hole('block', site.block)}")


def _channel_shuffle(site: Site[layers.ChannelShuffle]) -> Expression:
    return operation_of(f"ChannelShuffle(groups={hole('groups', site.layer.groups)}")


def _axis_to_batch(site: Site[Any]) -> Expression:
    return Expression((f"ops.reshape({{0}}, (-1, *{hole('shape', site.output)}))",))


def _batch_to_axis(site: Site[BatchToAxis]) -> Expression:
    return Expression((f"ops.reshape({{0}}, (-1, *{hole('shape', site.output)}))",))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "flatten": _flatten,
        "reshape": _reshape,
        "depth_to_space": _rearranged("DepthToSpace"),
        "space_to_depth": _rearranged("SpaceToDepth"),
        "channel_shuffle": _channel_shuffle,
        "channel_slice": channels_last_slice,
        "slice": channels_last_axis_slice,
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
