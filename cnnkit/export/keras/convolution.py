"""The convolutions, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.keras.initialization import class_of, initializers
from cnnkit.export.keras.naming import operation_of
from cnnkit.export.keras.padding import filled, padding_word, sliced, zero_padding
from cnnkit.export.outline import Expression, InexpressibleError
from cnnkit.export.site import Writer, both, brief, is_zero, overhang_of, sides_of
from cnnkit.layers.window import Window
from cnnkit.spec.site import Site


def _conv(site: Site[Any]) -> Expression:
    windows = site.windows
    before, padding = _padded(site)
    strides, after = [window.stride for window in windows], []
    if max(strides) > 1 and max(window.dilation for window in windows) > 1:
        # Keras has no stride with a dilation: all positions, then those a stride apart.
        if padding in ("same", "causal"):
            before.append(zero_padding(sides_of(windows)))
            padding = "valid"
        steps = ", ".join(f"::{hole('stride', stride)}" for stride in strides)
        after.append(f"{{0}}[:, {steps}]")
        strides = [1] * site.rank
    return operation_of(_convolution(site, strides, padding), *before, after=after)


def _padded(site: Site[Any]) -> tuple[list[str], str]:
    """The calls that add the cells that the convolution does not, and its own padding."""
    windows = site.windows
    overhang, padding = overhang_of(windows), padding_word(windows)
    if site.layer.padding_mode != "zeros" and not is_zero(sides_of(windows)):
        calls = [filled(sides_of(windows), site.layer.padding_mode)]
        return calls + ([] if is_zero(overhang) else [zero_padding(overhang)]), "valid"
    if padding is not None:
        return [], padding
    if site.rank == 1 and _causal(windows[0]) and site.layer.kind == "conv":
        return [], "causal"
    return [zero_padding(both(sides_of(windows), overhang))], "valid"


def _convolution(site: Site[Any], strides: Sequence[int], padding: str) -> str:
    """What makes the layer."""
    windows, rank, filters = site.windows, site.rank, site.output[-1]
    options = (
        option("strides", brief(strides), 1)
        + option("padding", padding, "valid")
        + option("dilation_rate", brief([window.dilation for window in windows]), 1)
    )
    size = hole("kernel_size", brief([window.size for window in windows]))
    bias = option("use_bias", site.layer.has_bias, True)
    depthwise = site.layer.kind == "depthwise_conv"
    plain = site.layer.weight_norm == "none"  # a depthwise kernel has its filters on two axes
    if depthwise and plain and rank < 3 and len(set(strides)) == 1:
        multiplier = option("depth_multiplier", filters // site.channels, 1)
        initial = initializers(site.layer, "depthwise_initializer")
        return f"layers.DepthwiseConv{rank}D({size}{options}{multiplier}{bias}{initial}"
    groups = option("groups", site.channels if depthwise else site.layer.groups, 1)
    return (
        f"{class_of(site.layer, f'layers.Conv{rank}D')}({hole('filters', filters)}, {size}{options}"
        f"{groups}{bias}{initializers(site.layer)}"
    )


def _causal(window: Window) -> bool:
    return (window.before, window.after, window.overhang) == (window.dilated - 1, 0, 0)


def _locally_connected(site: Site[layers.LocallyConnected]) -> Expression:
    windows = site.windows
    before = []
    if not is_zero(sides_of(windows)):
        if site.layer.padding_mode == "zeros":
            before.append(zero_padding(sides_of(windows)))
        else:
            before.append(filled(sides_of(windows), site.layer.padding_mode))
    if not is_zero(overhang_of(windows)):
        cells = hole("overhang", ((0, 0), *overhang_of(windows), (0, 0)))
        before.append(f"ops.pad({{0}}, {cells})")
    output = site.output
    build = (
        f"{class_of(site.layer, 'LocallyConnected', site.rank)}("
        f"{hole('filters', output[-1])}, {hole('positions', output[:-1])}"
        f", {hole('kernel_size', tuple(window.size for window in windows))}"
        f", {hole('strides', tuple(window.stride for window in windows))}"
        f", {hole('dilation_rate', tuple(window.dilation for window in windows))}"
        + option("groups", site.layer.groups, 1)
        + option("use_bias", site.layer.has_bias, True)
        + initializers(site.layer)
    )
    return operation_of(build, *before)


def _transposed_conv(site: Site[layers.TransposedConv]) -> Expression:
    windows, rank = site.transposed, site.rank
    if site.layer.groups > 1:
        raise InexpressibleError(
            f"its transposed convolutions have no groups, the layer has {site.layer.groups}",
            "`groups: 1`, or `--to flax` or `--to torch`",
            ("groups",),
        )
    strides, dilation = [w.stride for w in windows], [w.dilation for w in windows]
    if max(strides) > 1 and max(dilation) > 1:
        raise InexpressibleError(
            f"its transposed convolutions take a stride (={max(strides)}) or a dilation "
            f"(={max(dilation)}), not both",
            "`--to flax` or `--to torch`",
            ("dilation",),
        )
    # Keras's `valid` gives the extent D·S + max(F′ − S, 0), of which a part is kept.
    if any(
        w.before + w.output > w.extent * w.stride + max(w.dilated - w.stride, 0) for w in windows
    ):
        raise InexpressibleError(
            "its transposed convolutions give no cells beyond the reach of the kernel, which this "
            "`output_padding` adds",
            "a larger `kernel` or `padding`, or `--to flax` or `--to torch`",
            ("output_padding",),
        )
    build = (
        f"{class_of(site.layer, f'layers.Conv{rank}DTranspose', swapped=True)}("
        f"{hole('filters', site.output[-1])}"
        f", {hole('kernel_size', brief([window.size for window in windows]))}"
        + option("strides", brief(strides), 1)
        + option("dilation_rate", brief(dilation), 1)
        + option("use_bias", site.layer.has_bias, True)
        + initializers(site.layer, swapped=True)
    )
    kept = [(w.before, w.before + w.output) for w in windows]
    whole = [(0, w.extent * w.stride + max(w.dilated - w.stride, 0)) for w in windows]
    return operation_of(build, after=[] if kept == whole else [sliced(kept)])


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "conv": _conv,
        "depthwise_conv": _conv,
        "transposed_conv": _transposed_conv,
        "locally_connected": _locally_connected,
    }
)
