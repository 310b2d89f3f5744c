"""Where branches meet, in the words of Flax."""

from __future__ import annotations

from cnnkit.export.outline import Operation
from cnnkit.layers.base import Shape
from cnnkit.layers.joining import Joined


def joined(layer: Joined, shapes: tuple[Shape, ...]) -> Operation:
    """A join of several tensors."""
    rank = max(map(len, shapes))
    inputs = [f"{{{place}}}" for place in range(len(shapes))]
    if layer.by == "concat":
        return Operation((f"jnp.concatenate([{', '.join(inputs)}], axis=-1)",))
    if layer.by == "multiply":
        for place, shape in enumerate(shapes):
            if len(shape) == 1 < rank:  # a factor for each channel of a map
                inputs[place] += f"[:{', None' * (rank - 1)}]"
        return Operation((" * ".join(inputs),))
    if layer.by == "maximum":
        text = inputs[0]
        for other in inputs[1:]:
            text = f"jnp.maximum({text}, {other})"
        return Operation((text,))
    total = " + ".join(inputs)
    return Operation((f"({total}) / {len(inputs)}" if layer.by == "mean" else total,))
