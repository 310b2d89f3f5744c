"""Cells that are added to a map."""

from __future__ import annotations

import numpy as np

from cnnkit.export.onnx.writing import Writing, sliced
from cnnkit.export.site import Sides, is_zero

_MODES = {"reflect": "reflect", "edge": "edge", "stretch": "edge", "replicate": "edge"}


def pads(sides: Sides) -> list[int]:
    """The attribute of a window: the cells before each axis, then those after."""
    return [before for before, _ in sides] + [after for _, after in sides]


def padded(write: Writing, x: str, sides: Sides, mode: str = "zeros", fill: float = 0.0) -> str:
    """Maps with cells added round them; with `zeros` these hold ``fill``."""
    if is_zero(sides):
        return x
    if mode == "circular":
        return _wrapped(write, x, sides)
    widths = write.constant("pads", pads(((0, 0), (0, 0), *sides)), np.int64)
    if mode == "zeros":
        return write.node("Pad", x, widths, write.constant("fill", fill), mode="constant")
    return write.node("Pad", x, widths, mode=_MODES[mode])


def _wrapped(write: Writing, x: str, sides: Sides) -> str:
    """The other end of each axis goes on; the mode `wrap` of Pad came with opset 19."""
    for axis, (before, after) in enumerate(sides, start=2):
        parts = [x]
        if before:
            parts.insert(0, sliced(write, x, [-before], [np.iinfo(np.int64).max], [axis]))
        if after:
            parts.append(sliced(write, x, [0], [after], [axis]))
        if len(parts) > 1:
            x = write.node("Concat", *parts, axis=axis)
    return x
