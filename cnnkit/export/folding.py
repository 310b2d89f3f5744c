"""What is done to weights once, before inference: their own norms, and batch norms behind them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.layers.normalization import BatchNorm
from cnnkit.layers.weighted import VARIANCE_EPSILON, Weighted
from cnnkit.spec.graph import Graph

Arrays = Mapping[str, NDArray[np.float32]]
_FAMILIES = ("convolution", "dense")


class Folded(NamedTuple):
    """What is left of a network.

    Attributes:
        arrays: The weights, changed where a norm was put into them.
        nodes: The norms that are no longer there.
    """

    arrays: Arrays
    nodes: frozenset[int]


def fold_weight_norms(graph: Graph, arrays: Arrays) -> Arrays:
    """The weights that the layers work with: those of ``weight_norm`` are normalized already."""
    changed = dict(arrays)
    for node in graph.nodes:
        layer, name = node.layer, f"{node.path}.kernel"
        if isinstance(layer, Weighted) and layer.weight_norm != "none" and name in changed:
            own = {
                role: changed.pop(f"{node.path}.{role}")
                for role in ("gain", "u", "v")
                if f"{node.path}.{role}" in changed
            }
            changed[name] = _normalized(layer, changed[name], own).astype(np.float32)
    return changed


def _normalized(layer: Weighted, kernel: NDArray[np.float32], own: Arrays) -> NDArray[np.float64]:
    """A kernel, [*positions, *cells, channels, filters], as its layer says, of these arrays."""
    if layer.weight_norm == "spectral_norm":
        matrix = kernel.astype(np.float64).reshape(-1, kernel.shape[-1])
        value = np.float64(own["v"]).ravel() @ matrix @ np.float64(own["u"])
        return np.float64(kernel) / value
    positions = 0 if layer.shares_weights else kernel.ndim // 2 - 1
    axes = tuple(range(positions, kernel.ndim - 1))
    wide = kernel.astype(np.float64)
    if layer.weight_norm == "weight_norm":
        wide /= np.sqrt(np.square(wide).sum(axes, keepdims=True))
    else:
        variance = wide.var(axes, keepdims=True)
        wide = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(variance + VARIANCE_EPSILON)
    if layer.weight_norm == "scaled_standardize":
        wide /= math.sqrt(math.prod(kernel.shape[axis] for axis in axes))
    return wide * np.expand_dims(own["gain"], axes) if "gain" in own else wide


def fold_batch_norms(graph: Graph, arrays: Arrays) -> Folded:
    """Each batch norm that alone reads a convolution or dense layer becomes part of it."""
    readers = Counter(source for node in graph.nodes if not node.side for source in {*node.inputs})
    readers.update(graph.outputs.values())
    # What shares its weights is left as it is: another norm may read the other use of them.
    shared = {node.shares for node in graph.nodes}
    shared |= {index for index, node in enumerate(graph.nodes) if node.shares is not None}
    changed, folded = dict(arrays), set()
    for index, node in enumerate(graph.nodes):
        if not isinstance(node.layer, BatchNorm) or node.side or node.inputs[0] < 0:
            continue
        source = graph.nodes[node.inputs[0]]
        if shared & {index, node.inputs[0]}:
            continue
        if source.layer.family not in _FAMILIES or readers[node.inputs[0]] != 1:
            continue
        own = {
            name: np.float64(arrays[f"{node.path}.{name}"])
            for name in ("scale", "shift", "mean", "variance")
            if f"{node.path}.{name}" in arrays
        }
        factor = own.get("scale", 1.0) / np.sqrt(own["variance"] + node.layer.epsilon)
        kernel, bias = f"{source.path}.kernel", f"{source.path}.bias"
        moved = (changed.get(bias, 0.0) - own["mean"]) * factor + own.get("shift", 0.0)
        changed[kernel] = (changed[kernel] * factor).astype(np.float32)
        changed[bias] = moved.astype(np.float32)
        folded.add(index)
    return Folded(changed, frozenset(folded))
