"""Where branches meet, as operators of ONNX."""

from __future__ import annotations

from functools import reduce

from cnnkit.export.onnx.writing import Writing, reshaped
from cnnkit.export.site import Site
from cnnkit.layers.joining import Joined

_KINDS = {"add": "Sum", "mean": "Mean", "maximum": "Max"}


def joined(write: Writing, site: Site[Joined]) -> str:
    """A join of several tensors."""
    by = site.layer.by
    if by == "concat":
        return write.node("Concat", *write.inputs, axis=1)
    if by == "multiply":
        rank = max(map(len, site.shapes))
        maps = [
            # A vector is a map of one cell.
            reshaped(write, x, [*shape[-1:], *(1,) * (rank - 1)]) if len(shape) < rank else x
            for x, shape in zip(write.inputs, site.shapes, strict=True)
        ]
        return reduce(lambda a, b: write.node("Mul", a, b), maps)
    kind = "Add" if by == "add" and len(write.inputs) == 2 else _KINDS[by]
    return write.node(kind, *write.inputs)
