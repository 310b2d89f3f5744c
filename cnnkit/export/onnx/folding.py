"""Batch norms put into the layer before them: at inference they are a factor and an addition."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from cnnkit.export.onnx.writing import Arrays
from cnnkit.layers.normalization import BatchNorm
from cnnkit.spec.graph import Graph

_FAMILIES = ("convolution", "dense")


class Folded(NamedTuple):
    """What is left of a network.

    Attributes:
        arrays: The weights, changed where a norm was put into them.
        nodes: The norms that are no longer there.
    """

    arrays: Arrays
    nodes: frozenset[int]


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
