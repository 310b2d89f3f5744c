"""A network as a model of ONNX: one operator or a few a layer, named by the layer's path.

The model is written from the graph, not from a trace of what some framework computes. Its input and
output are as in the spec, channels last, the batch open; inside maps are channels first, as the
operators of ONNX want them.

Raises:
    MissingExtraError: On import, where ``onnx`` is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.errors import Finding, MissingExtraError, UsageError

try:
    import onnx
except ModuleNotFoundError as error:
    raise MissingExtraError(
        f"a model of ONNX needs {error.name}, which is not installed: pip install 'cnnkit[export]'"
    ) from error

from cnnkit.export.folding import fold_batch_norms, fold_weight_norms
from cnnkit.export.onnx import (
    activation,
    attention,
    convolution,
    dense,
    normalization,
    pooling,
    recurrence,
    regularization,
    shaping,
    spatial,
)
from cnnkit.export.onnx.assembly import assembled
from cnnkit.export.onnx.doors import Standardization, names_of, write_input, write_output
from cnnkit.export.onnx.joining import joined
from cnnkit.export.onnx.writing import Arrays, Draft, Writer, Writing
from cnnkit.layers.joining import Joined
from cnnkit.layers.shape import Shape
from cnnkit.spec.graph import INPUT, Graph
from cnnkit.spec.site import Site

__all__ = ["NEWEST", "OLDEST", "OPSET", "WRITERS", "Arrays", "Standardization", "model_of"]

OPSET = 21
"""The version of the operators that is written by default: of 2024, which runtimes have."""
OLDEST, NEWEST = 13, min(28, onnx.defs.onnx_opset_version())

WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        **attention.WRITERS,
        **recurrence.WRITERS,
        **convolution.WRITERS,
        **dense.WRITERS,
        **pooling.WRITERS,
        **activation.WRITERS,
        **normalization.WRITERS,
        **regularization.WRITERS,
        **shaping.WRITERS,
        **spatial.WRITERS,
    }
)
"""How a layer of each kind that is an operation of the graph is written."""

_PARTS: Mapping[str, Writer] = MappingProxyType({**attention.PARTS, **shaping.PARTS})
"""How the operations that kinds are made of are written."""

_MOST_BYTES = 2**31 - 2**20  # a message of protobuf has less than 2 GiB, names and all


def model_of(
    graph: Graph,
    arrays: Arrays,
    name: str,
    *,
    opset: int = OPSET,
    standardization: Standardization | None = None,
    optimize: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> onnx.ModelProto | tuple[Finding, ...]:
    """The model of a network, checked and with all its shapes, or why there is none.

    Args:
        graph: The network, which has no findings of level error.
        arrays: Its weights and running statistics, by path and name.
        name: What it is called.
        opset: The version of the operators.
        standardization: What is done to the values of files; None where the model takes what the
            first layer reads.
        optimize: Whether batch norms are put into the layers before them.
        metadata: What the model carries beside the network.

    Raises:
        UsageError: There is no such version, or it is not written.
    """
    if not OLDEST <= opset <= NEWEST:
        raise UsageError(f"opset {opset} is not written: give one from {OLDEST} to {NEWEST}")
    graph = graph.as_run
    if too_large := _too_large(graph, arrays):
        return (too_large,)
    arrays = fold_weight_norms(graph, arrays)
    skipped: frozenset[int] = frozenset()
    if optimize:
        arrays, skipped = fold_batch_norms(graph, arrays)
    draft = Draft(opset, arrays)
    inputs, outputs = names_of(graph)
    values = {
        INPUT - number: write_input(draft, name, len(shape) - 1, standardization)
        for number, (name, shape) in enumerate(zip(inputs, graph.inputs.values(), strict=True))
    }
    for index, node in enumerate(graph.nodes):
        if node.side:
            continue  # for training alone
        read = [values[source] for source in node.inputs]
        if index in skipped:
            values[index] = read[0]
            continue
        owner = None
        if node.shares is not None:
            shared = graph.nodes[node.shares]
            owner = shared.path
            node = node._replace(effect=node.effect._replace(weights=shared.effect.weights))
        write = Writing(draft, node.path, read, owner)
        shapes: tuple[Shape, ...] = tuple(graph.shape(source) or () for source in node.inputs)
        values[index] = write.finish(_written(write, Site(node.layer, node, shapes)))
    for each, (_, end) in zip(outputs, graph.outputs.items(), strict=True):
        write_output(draft, each, values[end], len(graph.shape(end) or ()) - 1)
    dtype = None if standardization is None else standardization.read
    return assembled(draft, graph, name, dtype, metadata or {})


def _written(write: Writing, site: Site[Any]) -> str:
    layer = site.layer
    if isinstance(layer, Joined):
        return joined(write, site)
    return (_PARTS.get(layer.kind) or WRITERS[layer.kind])(write, site)


def _too_large(graph: Graph, arrays: Arrays) -> Finding | None:
    """ONNX's own limit, with the layer that has most of it."""
    total = sum(array.nbytes for array in arrays.values())
    if total <= _MOST_BYTES:
        return None

    def size(path: str) -> int:
        return sum(a.nbytes for name, a in arrays.items() if name.rpartition(".")[0] == path)

    largest = max((node for node in graph.nodes if node.effect.weights), key=lambda n: size(n.path))
    place = largest.layer.place
    return Finding(
        "not-convertible",
        "error",
        f"ONNX cannot say this: the weights have {total:,} bytes, {size(largest.path):,} of them "
        f"those of {largest.path}, and a file of ONNX holds {_MOST_BYTES:,}",
        "make the network smaller, or `--to safetensors`",
        place.find(()) if place else None,
        largest.path,
    )
