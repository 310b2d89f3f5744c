"""Whether two specs are one network: the same operations on the same tensors, however written.

Blocks, names, `repeat`, the order of branches, and an activation in a layer or behind it are ways
of writing. Each operation is known by what it does and by the operations that it reads, so that
those of two graphs are compared without a walk over both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cnnkit.layers.activation import Linear
from cnnkit.layers.axis import place_of
from cnnkit.layers.base import Layer
from cnnkit.layers.reduction import Reduce
from cnnkit.layers.resample import TransposedWindow
from cnnkit.layers.slicing import ChannelSlice, Slice
from cnnkit.layers.spatial import Crop, Pad, Upsample
from cnnkit.layers.tokens import PositionEmbedding
from cnnkit.layers.window import Window
from cnnkit.layers.window import sides as sides_of
from cnnkit.spec.graph import Graph, Node

_ANY_ORDER = frozenset({"add", "mean", "multiply", "maximum", "minimum"})
_WRITTEN = frozenset({"activation", "init", "labels", "name", "rounding", "weights"})
"""Fields that say how a layer is called, started or joined to another, not what it computes."""
_SHOWN = frozenset(
    {
        "bias", "cells", "dilation", "factor", "filters", "keep_axes", "kernel", "multiplier",
        "output_padding", "padding", "scale", "shift", "size", "stride", "to", "units",
    }
)  # fmt: skip
"""Fields that the shapes, the weights or the windows of an operation show."""
_SAID = frozenset({"padding", "size"})
"""Those of them that they do not show where there are neither weights nor windows."""
_OF_PADDING = frozenset({"count_padding", "padding_mode"})
_REARRANGED = ("Flatten", "Reshape")
Key = tuple[Any, ...]


def same_operations(one: Graph, other: Graph) -> bool:
    """Whether two networks compute the same of weights of the same shapes."""
    numbers: dict[Key, int] = {}
    return Counter(_keys(one, numbers)) == Counter(_keys(other, numbers))


def _keys(graph: Graph, numbers: dict[Key, int]) -> Iterator[int]:
    """A number for each operation that those share which do the same to the same."""
    found: dict[int, int] = {}
    for index, node in enumerate(graph.nodes):
        read = [found.get(source, source) for source in node.inputs]
        if _is_identity(node.layer):
            found[index] = read[0]
            continue
        if getattr(node.layer, "by", None) in _ANY_ORDER:
            read.sort()
        if isinstance(node.layer, Crop | Upsample):
            del read[1:]  # the tensor whose extents it takes
        shared = None if node.shares is None else found[node.shares]
        found[index] = numbers.setdefault((*_does(node, graph), shared, *read), len(numbers))
        yield found[index]


def _is_identity(layer: Layer) -> bool:
    return isinstance(layer, Linear) or (
        layer.family == "regularization" and getattr(layer, "rate", None) == 0
    )


def _does(node: Node, graph: Graph) -> Key:
    """What an operation does, whatever it reads."""
    layer, effect = node.layer, node.effect
    kind, fields = type(layer).__name__, _fields(layer)
    shape = graph.shape(node.inputs[0])
    if kind == "DepthwiseConv":
        kind, fields["groups"] = "Conv", shape[-1] if shape else None
    if kind == "ChannelSlice":
        kind, fields["axis"] = "Slice", "channels"
    if kind in _REARRANGED:  # the same elements in the shape that goes out
        kind, fields = "Reshape", {}
    sides = [side for window in effect.windows for side in (window.before, window.after)]
    if not any(sides):  # no padding: it makes no difference what it holds
        fields = {name: value for name, value in fields.items() if name not in _OF_PADDING}
    windows: Key = tuple(map(_window, effect.windows))
    if fields.get("padding_mode", "zeros") != "zeros" or fields.get("count_padding"):
        windows = (*windows, *sides)
    if not effect.windows and not effect.weights and not isinstance(layer, Upsample):
        fields |= {name: getattr(layer, name) for name in _SAID & set(type(layer).model_fields)}
    if isinstance(layer, Crop) and shape and node.output:
        fields["cells"] = layer.cells_off(shape[:-1], node.output[:-1])
    if isinstance(layer, Pad) and shape:
        fields["padding"] = sides_of(layer.padding, len(shape) - 1)
    if isinstance(layer, ChannelSlice | Slice) and shape:
        axis = "channels" if isinstance(layer, ChannelSlice) else layer.axis
        place = place_of(axis, shape)
        stop = shape[place] if layer.stop is None else layer.stop
        kind, fields = "Slice", {"axis": place, "start": layer.start or 0, "stop": stop}
    if isinstance(layer, Reduce) and shape:
        fields["over"] = sorted(layer.places(shape))
    if isinstance(layer, PositionEmbedding):
        fields.pop("deviation")  # how it starts
    weights = tuple((weight.name, weight.shape) for weight in effect.weights)
    return (kind, repr(sorted(fields.items())), weights, windows, node.output, node.side)


def _fields(layer: Layer) -> dict[str, Any]:
    names = [name for name in type(layer).model_fields if name not in _WRITTEN | _SHOWN]
    return {name: _plain(getattr(layer, name)) for name in names}


def _plain(value: Any) -> Any:
    """A number as formats that keep float32 give it back."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _window(window: Window | TransposedWindow) -> Key:
    """The cells that are read; of the padding behind them no more than the output shows."""
    kind = type(window).__name__
    return (kind, window.size, window.stride, window.dilation, window.before, window.output)
