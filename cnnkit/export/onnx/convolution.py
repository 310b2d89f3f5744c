"""Convolutions as operators of ONNX; a kernel there is ``[filters, channels, *cells]``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit import layers
from cnnkit.export.onnx.padding import padded, pads
from cnnkit.export.onnx.writing import Writer, Writing, reshaped
from cnnkit.export.site import both, overhang_of, sides_of
from cnnkit.spec.site import Site


def _filters_first(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _bias(write: Writing) -> list[str]:
    return [write.weight("bias", write.array("bias"))] if write.has("bias") else []


def _filled(write: Writing, site: Site[Any]) -> tuple[str, dict[str, Any]]:
    """The map with what is no zero padding, and the attributes of the window on it."""
    windows = site.windows
    sides, x = both(sides_of(windows), overhang_of(windows)), write.x
    if site.layer.padding_mode != "zeros":
        x = padded(write, x, sides_of(windows), site.layer.padding_mode)
        sides = overhang_of(windows)
    return x, {
        "kernel_shape": [window.size for window in windows],
        "strides": [window.stride for window in windows],
        "dilations": [window.dilation for window in windows],
        "pads": pads(sides),
    }


def _convolution(write: Writing, site: Site[Any], groups: int) -> str:
    x, attributes = _filled(write, site)
    kernel = write.weight("kernel", _filters_first(write.array("kernel")))
    return write.node("Conv", x, kernel, *_bias(write), group=groups, **attributes)


def _conv(write: Writing, site: Site[layers.Conv]) -> str:
    return _convolution(write, site, site.layer.groups)


def _depthwise_conv(write: Writing, site: Site[layers.DepthwiseConv]) -> str:
    return _convolution(write, site, site.channels)


def _transposed_conv(write: Writing, site: Site[layers.TransposedConv]) -> str:
    windows, groups = site.transposed, site.layer.groups
    kernel = _filters_first(write.array("kernel"))
    parts = np.split(kernel, groups)  # [filters of the group, its channels, *cells] each
    turned = np.concatenate([part.swapaxes(0, 1) for part in parts])
    weights = write.weight("kernel", turned)
    attributes = {
        "group": groups,
        "kernel_shape": [window.size for window in windows],
        "strides": [window.stride for window in windows],
        "dilations": [window.dilation for window in windows],
    }
    if all(window.output_padding < window.stride for window in windows):
        return write.node(
            "ConvTranspose",
            write.x,
            weights,
            *_bias(write),
            **attributes,
            pads=pads(tuple((window.before, window.after) for window in windows)),
            output_padding=[window.output_padding for window in windows],
        )
    # onnxruntime takes no more: cells are cut off less, and beyond all of them there are zeros.
    cut = tuple((each.before, max(0, each.after - each.output_padding)) for each in windows)
    beyond = tuple((0, max(0, each.output_padding - each.after)) for each in windows)
    y = write.node("ConvTranspose", write.x, weights, **attributes, pads=pads(cut))
    y = padded(write, y, beyond)
    if not write.has("bias"):
        return y
    bias = write.array("bias").reshape((-1, *(1,) * len(windows)))
    return write.node("Add", y, write.weight("bias", bias))


def _locally_connected(write: Writing, site: Site[layers.LocallyConnected]) -> str:
    """The cells of each window by a kernel of ones and zeros, then a product at each position."""
    x, attributes = _filled(write, site)
    sizes, positions = attributes["kernel_shape"], math.prod(site.output[:-1])
    cells, groups = math.prod(sizes), site.layer.groups
    ones = np.eye(cells, dtype=np.float32).reshape((cells, 1, *sizes))
    each = write.constant("cells", np.tile(ones, (site.channels, *(1,) * (ones.ndim - 1))))
    found = write.node("Conv", x, each, group=site.channels, **attributes)
    channels, filters = write.array("kernel").shape[-2:]
    parts = reshaped(write, found, [groups, channels, cells, positions])
    kernel = write.array("kernel").reshape((positions, cells, channels, groups, filters // groups))
    # n example, g group, c channel and f filter of it, k cell of the window, p position
    product = write.node(
        "Einsum", parts, write.weight("kernel", kernel), equation="ngckp,pkcgf->ngfp"
    )
    y = reshaped(write, product, [filters, *site.output[:-1]])
    if not write.has("bias"):
        return y
    bias = np.moveaxis(np.broadcast_to(write.array("bias"), (*site.output[:-1], filters)), -1, 0)
    return write.node("Add", y, write.weight("bias", bias))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "conv": _conv,
        "depthwise_conv": _depthwise_conv,
        "transposed_conv": _transposed_conv,
        "locally_connected": _locally_connected,
    }
)
