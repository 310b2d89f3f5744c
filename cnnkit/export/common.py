"""What the targets write alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from types import ModuleType
from typing import Any, NamedTuple

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.outline import Expression, Write
from cnnkit.export.site import Writer
from cnnkit.layers.attention import DotProductAttention
from cnnkit.layers.axis import place_of
from cnnkit.layers.filtering import binomial
from cnnkit.layers.joining import Joined
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import Node
from cnnkit.spec.site import Site

OPERATORS: dict[str, str] = {"multiply": " * ", "divide": " / ", "subtract": " - "}
"""The joins that Python has operators for, from the first tensor to the last."""


class Axes(NamedTuple):
    """The axis of the channels, and the first spatial axis, of a target's arrays."""

    channels: int
    first: int


Join = Callable[[Joined, tuple[Shape, ...]], Expression]
"""How a target writes where branches meet."""


def writing(
    families: Sequence[ModuleType], joined: Join, kept: Callable[[Expression], Expression]
) -> Write:
    """How a target writes a node.

    Args:
        families: A module for each family of layers, with the ``WRITERS`` of its kinds, and the
            ``PARTS`` that kinds are made of, where there are any.
        joined: Writes where branches meet.
        kept: What makes a layer of which the weights are not learnt.
    """
    writers: dict[str, Writer] = {}
    for family in families:
        writers |= {**family.WRITERS, **vars(family).get("PARTS", {})}

    def write(node: Node, shapes: tuple[Shape, ...]) -> Expression:
        if isinstance(node.layer, Joined):
            return joined(node.layer, shapes)
        written = writers[node.layer.kind](Site(node.layer, node, shapes))
        return kept(written) if any(each.frozen for each in node.effect.weights) else written

    return write


def joining(concatenate: str, axes: Axes, channels: str, extremes: str) -> Join:
    """How a target that computes with operators writes where branches meet.

    Args:
        concatenate: The call that joins a list of tensors, with ``{}`` for it and for the axis.
        axes: The axis of the channels, and that of the first spatial axis.
        channels: The start of an index that leads to the channels of a tensor [N, C].
        extremes: The module with the functions ``maximum`` and ``minimum`` of two tensors.
    """

    def joined(layer: Joined, shapes: tuple[Shape, ...]) -> Expression:
        rank = max(map(len, shapes))
        inputs = [f"{{{place}}}" for place in range(len(shapes))]
        if layer.by == "concat":
            axis = axes.channels if layer.axis == "channels" else axes.first + layer.axis
            return Expression((concatenate.format(f"[{', '.join(inputs)}]", axis),))
        if layer.spreads:
            for place, shape in enumerate(shapes):
                if len(shape) == 1 < rank:  # a factor for each channel of a map
                    inputs[place] += f"[{channels}{', None' * (rank - 1)}]"
        if layer.by in OPERATORS:
            return Expression((OPERATORS[layer.by].join(inputs),))
        if layer.by in ("maximum", "minimum"):
            call = f"{extremes}.{layer.by}"
            return Expression((reduce(lambda a, b: f"{call}({a}, {b})", inputs),))
        total = " + ".join(inputs)
        return Expression((f"({total}) / {len(inputs)}" if layer.by == "mean" else total,))

    return joined


def function(name: str) -> Writer:
    """A layer without fields, by a function of the target."""
    return lambda _: Expression((f"{name}({{0}})",))


def power(site: Site[layers.Power]) -> Expression:
    """A power by Python's operator, a whole exponent written as such."""
    exponent = site.layer.exponent
    whole = int(exponent) if float(exponent).is_integer() else exponent
    return Expression((f"{{0}} ** {hole('exponent', whole)}",))


def maxout(site: Site[layers.Maxout]) -> Expression:
    """A maxout by the helper of that name."""
    return Expression((f"maxout({{0}}, {hole('pieces', site.layer.pieces)})",))


def rearranged(site: Site[Any]) -> Expression:
    """`depth_to_space` or `space_to_depth`, by the helper of that name."""
    return Expression((f"{site.layer.kind}({{0}}, {hole('block', site.block)})",))


def channel_shuffle(site: Site[layers.ChannelShuffle]) -> Expression:
    """A channel shuffle by the helper of that name."""
    return Expression((f"channel_shuffle({{0}}, {hole('groups', site.layer.groups)})",))


def channels_last_slice(site: Site[layers.ChannelSlice]) -> Expression:
    """A slice of the channels where these are the last axis."""
    return Expression((f"{{0}}[..., {channel_range(site.layer)}]",))


def channel_range(layer: layers.ChannelSlice | layers.Slice) -> str:
    """The channels of a slice, as Python writes a range in an index."""
    start = hole("start", layer.start) if layer.start else ""
    stop = "" if layer.stop is None else hole("stop", layer.stop)
    return f"{start}:{stop}"


def axis_slice(axis: int, layer: layers.Slice) -> Expression:
    """A slice of an axis of the target's array."""
    before = ":, " * axis
    return Expression((f"{{0}}[{before}{channel_range(layer)}]",))


def channels_last_axis_slice(site: Site[layers.Slice]) -> Expression:
    """A slice of any axis where the channels are the last one."""
    return axis_slice(place_of(site.layer.axis, site.shape) + 1, site.layer)


def channels_first_order(site: Site[layers.Transpose]) -> tuple[int, ...]:
    """The order of the axes of an array [N, C, *spatial]."""
    *spatial, last = (1 if at == site.rank else at + 2 for at in site.layer.places(site.shape))
    return (0, last, *spatial)


def channels_last_order(site: Site[layers.Transpose]) -> tuple[int, ...]:
    """The order of the axes of an array [N, *spatial, C]."""
    return (0, *(place + 1 for place in site.layer.places(site.shape)))


def fixed_scale(site: Site[layers.Scale]) -> Expression:
    """A scale that is not learnt."""
    return Expression((f"{{0}} * {hole('factor', site.layer.init)}",))


def cells_of(site: Site[DotProductAttention]) -> tuple[Shape, Shape, Shape]:
    """The extents of a map, of the windows that it is cut into, and by what they are moved."""
    windows = site.layer.partition(site.shape[:-1])
    assert isinstance(windows, tuple)  # noqa: S101 - a graph without errors has its windows
    size, shift = ([getattr(each, name) for each in windows] for name in ("size", "shift"))
    return site.shape[:-1], tuple(size), tuple(shift)


def attention(site: Site[DotProductAttention]) -> str:
    """What makes an attention, open for the arguments that a target adds: ``Class(3, …``."""
    layer = site.layer
    made = f"DotProductAttention({hole('heads', layer.heads)}"
    if layer.window is not None or layer.relative_bias:
        extents, window, shift = cells_of(site)
        made = (
            f"WindowAttention({hole('heads', layer.heads)}, {hole('extents', extents)}"
            f", {hole('window', window)}, {hole('shift', shift)}"
            + option("relative_bias", layer.relative_bias, False)
        )
    return made + option("dropout", layer.dropout, 0.0)


def blur_weights(site: Site[layers.BlurPool], *, named: bool = False) -> str:
    """The windows of a blur as arguments: the weights along each axis, and the strides."""
    weights = tuple(binomial(window.size) for window in site.windows)
    stride = hole("stride", tuple(w.stride for w in site.windows))
    if named:
        return f"weights={hole('weights', weights)}, stride={stride}"
    return f"{hole('weights', weights)}, {stride}"


def response_norm_arguments(layer: layers.LocalResponseNorm) -> str:
    """The arguments of a local response norm, which all targets call the same."""
    return ", ".join(
        f"{name}={hole(name, getattr(layer, name))}" for name in ("size", "alpha", "beta", "k")
    )


def rescaled(layer: layers.Rescale, constant: Callable[[str], str]) -> Expression:
    """A rescaling by the given numbers.

    Args:
        layer: What to rescale by, one number or one for each channel.
        constant: Writes a tuple of numbers as the target's array, which meets the channels.
    """
    mean, deviation = (
        constant(hole(name, value)) if isinstance(value, tuple) else hole(name, value)
        for name, value in (("mean", layer.mean), ("deviation", layer.deviation))
    )
    return Expression((f"({{0}} - {mean}) / {deviation}",))
