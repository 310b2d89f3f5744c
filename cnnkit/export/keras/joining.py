"""Where branches meet, in the words of Keras."""

from __future__ import annotations

from cnnkit.export.common import OPERATORS
from cnnkit.export.keras.naming import named
from cnnkit.export.outline import Expression
from cnnkit.export.site import brief
from cnnkit.layers.joining import Joined
from cnnkit.layers.shape import Shape


def joined(layer: Joined, shapes: tuple[Shape, ...]) -> Expression:
    """A join of several tensors."""
    rank = max(map(len, shapes))
    inputs = [f"{{{place}}}" for place in range(len(shapes))]
    if layer.spreads:
        for place, shape in enumerate(shapes):
            if len(shape) == 1 < rank:  # a factor for each channel of a map
                axes = brief(range(1, rank)) if rank == 2 else tuple(range(1, rank))
                inputs[place] = f"ops.expand_dims({inputs[place]}, {axes})"
    if layer.by in OPERATORS:
        return Expression((OPERATORS[layer.by].join(inputs),))
    if layer.by == "concat" and layer.axis != "channels":
        build = f"layers.Concatenate(axis={layer.axis + 1}, {named()})"
        return Expression((f"{build}([{', '.join(inputs)}])",))
    names = {
        "concat": "Concatenate",
        "add": "Add",
        "mean": "Average",
        "maximum": "Maximum",
        "minimum": "Minimum",
    }
    return Expression((f"layers.{names[layer.by]}({named()})([{', '.join(inputs)}])",))
