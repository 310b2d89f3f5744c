"""Recurrent layers as operators of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cnnkit.export.onnx.writing import Writer, Writing, sliced
from cnnkit.layers.recurrence import Recurrent
from cnnkit.spec.site import Site

_GATES = {"lstm": (0, 3, 1, 2), "gru": (0, 1, 2)}
"""Where each of ONNX's gates, i o f c and z r h, is among ours."""
_DIRECTIONS = {"forward": "forward", "backward": "reverse", "both": "bidirectional"}


def _recurrent(write: Writing, site: Site[Recurrent]) -> str:
    layer, units, length = site.layer, site.layer.units, site.shape[0]
    names = {"kernel": "W", "recurrent_kernel": "R", "bias": "B"}
    arrays = {
        name: write.weight(name, np.stack([_array(write, layer, p, name) for p in _ways(layer)]))
        for name in names
        if write.has(name)
    }
    before = {"linear_before_reset": 1} if layer.kind == "gru" else {}
    y = write.node(
        layer.kind.upper(),
        write.node("Transpose", write.x, perm=[2, 0, 1]),
        *arrays.values(),
        hidden_size=units,
        direction=_DIRECTIONS[layer.direction],
        **before,
    )
    if layer.sequences:  # [L, ways, N, U] to [N, ways·U, L]
        y = write.node("Transpose", y, perm=[2, 1, 3, 0])
        shape = write.constant("shape", [0, layer.ways * units, length], np.int64)
        return write.node("Reshape", y, shape)
    last = []
    for way, backward in enumerate(_backward(layer)):
        step = 0 if backward else length - 1
        last.append(sliced(write, y, [step, way], [step + 1, way + 1], [0, 1]))
    joined = last[0] if len(last) == 1 else write.node("Concat", *last, axis=3)
    turned = write.node("Transpose", joined, perm=[2, 0, 1, 3])
    shape = write.constant("shape", [0, layer.ways * units], np.int64)
    return write.node("Reshape", turned, shape)


def _ways(layer: Recurrent) -> tuple[str, ...]:
    """What the names of the arrays of each way begin with."""
    return ("", "backward_")[: layer.ways]


def _backward(layer: Recurrent) -> tuple[bool, ...]:
    """Whether each way is from the end."""
    return (False, True) if layer.ways == 2 else (layer.direction == "backward",)


def _array(write: Writing, layer: Recurrent, prefix: str, name: str) -> NDArray[np.float32]:
    """An array, its gates first and in ONNX's order; of biases the input's, then the state's."""
    array = write.array(prefix + name)
    gates = np.split(array, layer.gates, axis=-1)
    array = np.concatenate([gates[at] for at in _GATES[layer.kind]], axis=-1)
    if name != "bias":
        return array.T
    if array.ndim == 1:
        array = np.stack([array, np.zeros_like(array)])
    return array.reshape(-1)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "lstm": _recurrent,
        "gru": _recurrent,
    }
)
