"""The arrays of a layer of a file, in the layout of a layer of ours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cnnkit.importing.foreign.group import LayerArrays
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import Graph, Node

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


def fitted(group: LayerArrays, node: Node, graph: Graph) -> dict[str, Array] | None:
    """The arrays by our names, or None where they do not fit.

    A name `weight` says the layout of PyTorch, [filters, channels, *kernel] and [units, inputs];
    a name `kernel` that of Keras and Flax, with the channels last.
    """
    wanted = {weight.name: weight.shape for weight in node.effect.weights}
    left = dict(group.arrays)
    if "gain" in left and "gain" not in wanted:
        left = _multiplied(left)
    if {"u", "v"} <= left.keys() and "u" not in wanted:
        left = _divided(left, transposed=node.layer.kind == "transposed_conv")
    found = {}
    for name, shape in wanted.items():
        role = _role(name, left)
        array = left.pop(role, None) if role else None
        if array is None:
            return None
        made = _kernel(array, role == "weight", shape, node, graph) if name == "kernel" else array
        if name == "v" and array.size == math.prod(shape):
            made = _channels_last(array, shape)
        if made is None or math.prod(made.shape) != math.prod(shape):
            return None
        if name in ("embedding", "relative_bias"):
            if made.shape[-1:] != shape[-1:]:
                return None
        elif name not in ("kernel", "v") and max(made.shape, default=1) != math.prod(shape):
            return None  # a vector of other axes is not a layer's own
        found[name] = made.reshape(shape)
    return None if left else found


def _multiplied(arrays: dict[str, Array]) -> dict[str, Array]:
    """The weight that PyTorch works with, g·v/‖v‖, in place of g and v."""
    import numpy as np

    rest = {role: array for role, array in arrays.items() if role != "gain"}
    weight, gain = rest.get("weight"), arrays["gain"]
    if weight is None or gain.ndim != weight.ndim:
        return arrays
    over = tuple(axis for axis, extent in enumerate(gain.shape) if extent < weight.shape[axis])
    norm = np.sqrt(np.square(weight, dtype=np.float64).sum(over, keepdims=True))
    rest["weight"] = (gain * (weight / norm)).astype(np.float32)
    return rest


def _divided(arrays: dict[str, Array], *, transposed: bool) -> dict[str, Array]:
    """The weight that PyTorch works with, W/(uᵀ·W·v), in place of W, u and v."""
    import numpy as np

    rest = {role: array for role, array in arrays.items() if role not in ("u", "v")}
    weight, u, v = rest.get("weight"), arrays["u"], arrays["v"]
    if weight is None or u.size * v.size != weight.size:
        return arrays
    matrix = np.moveaxis(weight, 1, 0) if transposed else weight
    value = np.float64(u) @ np.float64(matrix).reshape(u.size, -1) @ np.float64(v)
    rest["weight"] = (weight / value).astype(np.float32)
    return rest


def _channels_last(array: Array, shape: Shape) -> Array:
    """What a filter reads, [channels, *cells] one after the other, as [*cells, channels]."""
    import numpy as np

    return np.moveaxis(array.reshape((shape[-1], *shape[:-1])), 0, -1)


def _role(name: str, roles: dict[str, Array]) -> str | None:
    usual = {
        "kernel": ("kernel", "weight"),
        "scale": ("weight", "slope"),
        "slope": ("slope", "weight"),
        "shift": ("bias",),
    }
    return next((role for role in usual.get(name, (name,)) if role in roles), None)


def _kernel(
    array: Array, filters_first: bool, shape: Shape, node: Node, graph: Graph
) -> Array | None:
    """A kernel in our layout, [*cells, channels / groups, filters]."""
    import numpy as np

    kind = type(node.layer).__name__
    if filters_first and array.ndim > 1:
        if kind == "TransposedConv":
            groups = getattr(node.layer, "groups", 1)
            merged = np.concatenate(np.split(array, groups), axis=1)
            array = np.moveaxis(merged, (0, 1), (-2, -1))
        else:
            array = np.moveaxis(array, (1, 0), (-2, -1))
    elif kind == "TransposedConv":
        array = np.swapaxes(array, -1, -2)
    elif kind == "DepthwiseConv" and array.ndim == len(shape):
        array = array.reshape(*array.shape[:-2], 1, -1)
    if len(shape) == 2 and array.shape[:-2] == (1,) * (array.ndim - 2):
        array = array.reshape(array.shape[-2:])  # a convolution of one cell
    if array.ndim == 2 and shape[:-2] == (1,) * (len(shape) - 2):
        array = array.reshape(shape) if array.shape == shape[-2:] else array
    if array.shape != shape:
        return None
    order = _flattened(node, graph) if filters_first and len(shape) == 2 else None
    return array if order is None else array[order]


def _flattened(node: Node, graph: Graph) -> Array | None:
    """Where our flatten of a map has what PyTorch's, channels first, has elsewhere."""
    import numpy as np

    for _ in graph.nodes:
        (source,) = node.inputs[:1]
        if source < 0:
            return None
        node = graph.nodes[source]
        if type(node.layer).__name__ == "Flatten":
            (before,) = node.inputs
            shape = graph.nodes[before].output if before >= 0 else graph.input
            if shape is None or len(shape) < 2:
                return None
            rank = len(shape)
            first = np.arange(math.prod(shape)).reshape(shape[-1], *shape[:-1])
            return np.transpose(first, (*range(1, rank), 0)).reshape(-1)
        if node.effect.weights or len(node.output or ()) != 1:
            return None
    return None
