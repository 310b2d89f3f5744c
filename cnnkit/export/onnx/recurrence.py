"""Recurrent layers as operators of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cnnkit.export.onnx.writing import Writer, Writing, sliced
from cnnkit.layers.conv_recurrence import ConvLstm
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


def _ways(layer: Recurrent | ConvLstm) -> tuple[str, ...]:
    """What the names of the arrays of each way begin with."""
    return ("", "backward_")[: layer.ways]


def _backward(layer: Recurrent | ConvLstm) -> tuple[bool, ...]:
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


def _conv_lstm(write: Writing, site: Site[ConvLstm]) -> str:
    layer, ways = site.layer, []
    for prefix, backward in zip(_ways(layer), _backward(layer), strict=True):
        ways.append(_maps_along(write, site, prefix, backward=backward))
    return ways[0] if len(ways) == 1 else write.node("Concat", *ways, axis=1)


def _maps_along(write: Writing, site: Site[ConvLstm], prefix: str, *, backward: bool) -> str:
    """The steps one after the other: ONNX has no operator that goes along maps."""
    layer, (steps, *extents, channels) = site.layer, site.shape
    kernel, recurrent = (
        write.weight(prefix + name, np.moveaxis(write.array(prefix + name), (-1, -2), (0, 1)))
        for name in ("kernel", "recurrent_kernel")
    )
    bias = [write.weight(f"{prefix}bias", write.array(f"{prefix}bias"))] if layer.bias else []
    sizes = layer.sizes(site.rank - 1)
    same = [(size - 1) // 2 for size in sizes] + [size // 2 for size in sizes]
    pads = {"pads": same} if layer.padding == "same" else {}
    x = write.node("Transpose", write.x, perm=[0, 2, 1, *range(3, site.rank + 2)])
    x = write.node("Reshape", x, write.constant("maps", [-1, channels, *extents], np.int64))
    x = write.node("Conv", x, kernel, *bias, kernel_shape=[*sizes], **pads)
    cells = site.output[1:-1] if layer.sequences else site.output[:-1]
    apart = write.constant("steps", [-1, steps, 4 * layer.filters, *cells], np.int64)
    x = write.node("Reshape", x, apart)
    h = c = ""
    states = {}
    order = range(steps)
    for step in reversed(order) if backward else order:
        gates = write.node("Gather", x, write.constant("step", step, np.int64), axis=1)
        if h:
            own = write.node("Conv", h, recurrent, kernel_shape=[*sizes], pads=same)
            gates = write.node("Add", gates, own)
        i, f, g, o = (
            sliced(write, gates, [at * layer.filters], [(at + 1) * layer.filters], [1])
            for at in range(4)
        )
        new = write.node("Mul", write.node("Sigmoid", i), write.node("Tanh", g))
        c = write.node("Add", new, write.node("Mul", write.node("Sigmoid", f), c)) if c else new
        h = write.node("Mul", write.node("Sigmoid", o), write.node("Tanh", c))
        states[step] = h
    if not layer.sequences:
        return h
    axis = write.constant("axis", [2], np.int64)
    return write.node(
        "Concat", *(write.node("Unsqueeze", states[step], axis) for step in order), axis=2
    )


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "lstm": _recurrent,
        "gru": _recurrent,
        "conv_lstm": _conv_lstm,
    }
)
