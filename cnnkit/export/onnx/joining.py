"""Where branches meet, as operators of ONNX."""

from __future__ import annotations

from functools import reduce

from cnnkit.export.onnx.writing import Writing, channels_first_axis, reshaped
from cnnkit.layers.joining import Joined
from cnnkit.spec.site import Site

_OF_ALL = {"add": "Sum", "mean": "Mean", "maximum": "Max", "minimum": "Min"}
_OF_TWO = {"subtract": "Sub", "multiply": "Mul", "divide": "Div"}


def joined(write: Writing, site: Site[Joined]) -> str:
    """A join of several tensors."""
    by = site.layer.by
    if by == "concat":
        return write.node("Concat", *write.inputs, axis=channels_first_axis(site.layer.axis))
    if by in _OF_TWO:
        rank = max(map(len, site.shapes))
        maps = [
            # A vector is a map of one cell.
            reshaped(write, x, [*shape[-1:], *(1,) * (rank - 1)]) if len(shape) < rank else x
            for x, shape in zip(write.inputs, site.shapes, strict=True)
        ]
        return reduce(lambda a, b: write.node(_OF_TWO[by], a, b), maps)
    kind = "Add" if by == "add" and len(write.inputs) == 2 else _OF_ALL[by]
    return write.node(kind, *write.inputs)
