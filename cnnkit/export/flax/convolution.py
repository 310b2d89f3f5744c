"""The convolutions, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.flax.initialization import initializers, normalized
from cnnkit.export.flax.padding import MODES
from cnnkit.export.outline import Expression
from cnnkit.export.site import Sides, Writer, both, brief, is_even, is_zero, overhang_of, sides_of
from cnnkit.spec.site import Site


def _padding(padding: Sides) -> object:
    if is_zero(padding):
        return "VALID"
    return brief([before for before, _ in padding]) if is_even(padding) else padding


def _conv(site: Site[Any]) -> Expression:
    windows = site.windows
    groups = site.channels if site.layer.kind == "depthwise_conv" else site.layer.groups
    padding, calls = both(sides_of(windows), overhang_of(windows)), ["{layer}({0})"]
    if site.layer.padding_mode != "zeros" and not is_zero(sides_of(windows)):
        cells = hole("sides", sides_of(windows))
        calls.insert(0, f'pad({{0}}, {cells}, "{MODES[site.layer.padding_mode]}")')
        padding = overhang_of(windows)
    elif any((w.size, w.stride, w.dilation, w.before) == (2, 2, 1, 1) for w in windows):
        # Within the convolution's gradient these would end the process, in XLA's simplifier.
        calls.insert(0, f"pad({{0}}, {hole('sides', sides_of(windows))})")
        padding = overhang_of(windows)
    output = site.output
    build = (
        f"nnx.Conv({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        + option("strides", brief([window.stride for window in windows]), 1)
        + option("padding", _padding(padding), "SAME")
        + option("kernel_dilation", brief([window.dilation for window in windows]), 1, "dilation")
        + option("feature_group_count", groups, 1, "groups")
        + option("use_bias", site.layer.has_bias, True)
        + f"{initializers(site.layer)}, rngs=rngs)"
    )
    return Expression(tuple(calls), normalized(site.layer, build))


def _locally_connected(site: Site[layers.LocallyConnected]) -> Expression:
    windows = site.windows
    calls = ["{layer}({0})"]
    overhang = overhang_of(windows)
    if not is_zero(overhang):
        calls.insert(0, f"pad({{0}}, {hole('overhang', overhang)})")
    if not is_zero(sides_of(windows)):
        mode = MODES.get(site.layer.padding_mode, "constant")
        calls.insert(0, f'pad({{0}}, {hole("sides", sides_of(windows))}, "{mode}")')
    output = site.output
    build = (
        f"LocallyConnected({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        f", {hole('positions', output[:-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('strides', tuple(window.stride for window in windows))}"
        f", {hole('dilation', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("use_bias", site.layer.has_bias, True)
        + f"{initializers(site.layer, len(windows))}, rngs=rngs)"
    )
    return Expression(tuple(calls), normalized(site.layer, build, len(windows)))


def _transposed_conv(site: Site[layers.TransposedConv]) -> Expression:
    windows = site.transposed
    padding = tuple((window.before, window.after - window.output_padding) for window in windows)
    output = site.output
    build = (
        f"TransposedConv({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('strides', tuple(window.stride for window in windows))}"
        f", {hole('padding', padding)}"
        f", {hole('dilation', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("use_bias", site.layer.has_bias, True)
        + f"{initializers(site.layer)}, rngs=rngs)"
    )
    return Expression(("{layer}({0})",), normalized(site.layer, build))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "conv": _conv,
        "depthwise_conv": _conv,
        "transposed_conv": _transposed_conv,
        "locally_connected": _locally_connected,
    }
)
