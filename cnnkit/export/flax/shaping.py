"""Layers that rearrange or scale the elements of a tensor, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import (
    channel_shuffle,
    channels_last_axis_slice,
    channels_last_order,
    channels_last_slice,
    fixed_scale,
    rearranged,
)
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.each import BatchToAxis
from cnnkit.spec.site import Site


def _flatten(site: Site[Any]) -> Expression:
    if site.layer.keep_channels:
        return Expression(("{0}.reshape({0}.shape[0], -1, {0}.shape[-1])" if site.rank else "{0}",))
    return Expression(("{0}.reshape({0}.shape[0], -1)" if len(site.shape) > 1 else "{0}",))


def _reshape(site: Site[Any]) -> Expression:
    return Expression((f"{{0}}.reshape(-1, *{hole('shape', site.output)})",))


def _transpose(site: Site[layers.Transpose]) -> Expression:
    return Expression((f"{{0}}.transpose{channels_last_order(site)}",))


def _scale(site: Site[layers.Scale]) -> Expression:
    if not site.layer.learnt:
        return fixed_scale(site)
    init = option("init", site.layer.init, 1.0)
    factors = site.channels if site.layer.per == "channel" else 1
    return Expression(("{layer}({0})",), f"Scale({hole('features', factors)}{init})")


def _axis_to_batch(site: Site[Any]) -> Expression:
    del site
    return Expression(("{0}.reshape(-1, *{0}.shape[2:])",))


def _batch_to_axis(site: Site[BatchToAxis]) -> Expression:
    extent = hole("extent", site.layer.extent)
    return Expression((f"{{0}}.reshape(-1, {extent}, *{{0}}.shape[1:])",))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "flatten": _flatten,
        "reshape": _reshape,
        "depth_to_space": rearranged,
        "space_to_depth": rearranged,
        "channel_shuffle": channel_shuffle,
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
