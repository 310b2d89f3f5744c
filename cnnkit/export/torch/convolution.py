"""The convolutions, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer, both, brief, is_even, is_zero, overhang_of, sides_of
from cnnkit.export.torch.initialization import normalized, started
from cnnkit.export.torch.padding import MODES, pad, sliced
from cnnkit.spec.site import Site


def _conv(site: Site[Any]) -> Expression:
    windows = site.windows
    groups = site.channels if site.layer.kind == "depthwise_conv" else site.layer.groups
    padding, calls = both(sides_of(windows), overhang_of(windows)), []
    mode = "zeros"
    if site.layer.padding_mode != "zeros" and not is_zero(sides_of(windows)):
        padding = overhang_of(windows)
        if is_even(sides_of(windows)) and is_zero(padding):
            padding, mode = sides_of(windows), MODES[site.layer.padding_mode]
        else:
            calls.append(pad(sides_of(windows), site.layer.padding_mode))
    if not is_even(padding):
        calls.append(pad(padding, name="zeros"))
        padding = tuple((0, 0) for _ in windows)
    output = site.output
    build = (
        f"nn.Conv{len(windows)}d({hole('in_channels', site.channels)}"
        f", {hole('out_channels', output[-1])}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("stride", brief([window.stride for window in windows]), 1)
        + option("padding", brief([before for before, _ in padding]), 0)
        + option("dilation", brief([window.dilation for window in windows]), 1)
        + option("groups", groups, 1)
        + option("bias", site.layer.has_bias, True)
        + option("padding_mode", mode, "zeros")
        + ")"
    )
    made = normalized(site.layer, started(site.layer, build), range(2, site.rank + 3), dim=0)
    return Expression((*calls, "{layer}({0})"), made)


def _locally_connected(site: Site[layers.LocallyConnected]) -> Expression:
    windows = site.windows
    calls = []
    if not is_zero(sides_of(windows)):
        calls.append(pad(sides_of(windows), site.layer.padding_mode))
    if not is_zero(overhang_of(windows)):
        calls.append(pad(overhang_of(windows), name="overhang"))
    output = site.output
    build = (
        f"LocallyConnected({hole('in_channels', site.channels)}, {hole('out_channels', output[-1])}"
        f", {hole('positions', output[:-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('stride', tuple(window.stride for window in windows))}"
        f", {hole('dilation', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("bias", site.layer.has_bias, True)
        + ")"
    )
    axes = range(site.rank + 1, 2 * site.rank + 2)
    made = normalized(site.layer, started(site.layer, build, "start_local"), axes)
    return Expression((*calls, "{layer}({0})"), made)


def _transposed_conv(site: Site[layers.TransposedConv]) -> Expression:
    windows = site.transposed
    # PyTorch pads alike before and after: what an axis has more on one side is cut off.
    padding = [min(window.before, window.after) for window in windows]
    cut = tuple((w.before - p, w.after - p) for w, p in zip(windows, padding, strict=True))
    output = site.output
    build = (
        f"nn.ConvTranspose{len(windows)}d({hole('in_channels', site.channels)}"
        f", {hole('out_channels', output[-1])}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("stride", brief([window.stride for window in windows]), 1)
        + option("padding", brief(padding), 0)
        + option("output_padding", brief([window.output_padding for window in windows]), 0)
        + option("groups", site.layer.groups, 1)
        + option("bias", site.layer.has_bias, True)
        + option("dilation", brief([window.dilation for window in windows]), 1)
        + ")"
    )
    calls = ["{layer}({0})"]
    if not is_zero(cut):
        calls.append(sliced([a for a, _ in cut], output[:-1]))
    groups, axes = site.layer.groups, (1, *range(3, site.rank + 3))
    made = started(site.layer, build, "start_transposed")
    made = normalized(site.layer, made, axes, groups, dim=1 if groups == 1 else None)
    return Expression(tuple(calls), made)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "conv": _conv,
        "depthwise_conv": _conv,
        "transposed_conv": _transposed_conv,
        "locally_connected": _locally_connected,
    }
)
