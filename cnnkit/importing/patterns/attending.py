"""Products of queries, keys and values with the projections around them, as `attention`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.importing.graph import ATTEND, SCORES, Operation, OperationGraph

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

_ADVICE = "near is attention, whose queries, keys, values and outcome are projections, all learnt"


class Projection(NamedTuple):
    """A product of the channels with a matrix.

    Attributes:
        source: The operation that it reads.
        matrix: [channels, units].
        bias: One a unit, where there is one.
        factor: What all of it is multiplied by.
    """

    source: int
    matrix: Array
    bias: Array | None
    factor: float


def name_attention(graph: OperationGraph) -> None:
    """Names each attention; products of tensors that are none are refused."""
    for number in list(graph.operations):
        operation = graph.operations.get(number)
        if operation is None:
            continue
        if operation.kind == ATTEND:
            reason = _named(graph, number, operation)
            if reason:
                message = f"node `{operation.node}`: {reason}"
                graph.refuse(operation, message, _ADVICE)
            graph.prune()
    for operation in graph.operations.values():
        if operation.kind == SCORES:
            graph.refuse(
                operation, f"node `{operation.node}` multiplies two tensors of the network", _ADVICE
            )


def _named(graph: OperationGraph, number: int, operation: Operation) -> str | None:
    """Makes the attention of its parts; else says what is missing."""
    parts = [projection(graph, each) for each in operation.inputs]
    query, key, value = parts
    if query is None or key is None or value is None:
        which = ", ".join(
            name
            for name, part in zip(("queries", "keys", "values"), parts, strict=True)
            if not part
        )
        return f"its {which} are no product with a matrix"
    if key.source != value.source or key.factor * value.factor == 0:
        return "its keys and values are of two tensors"
    last, output = _output(graph, number)
    channels = graph.shape(query.source)[-1]
    if output is None or output.matrix.shape[-1] != channels:
        return f"what it gives is not brought to the {channels} channels of what it reads"
    units = query.matrix.shape[-1]
    if key.matrix.shape[-1] != units or value.matrix.shape[-1] != units:
        return "its values have other channels than its queries"
    biased = [part.bias is not None for part in (query, key, value, output)]
    if len(set(biased)) > 1:
        return "some of its projections have a bias, others none"
    heads = operation.fields["heads"]
    factor = query.factor * key.factor * operation.fields["factor"] * math.sqrt(units // heads)
    rank = len(graph.shape(query.source)) - 1
    scaled = _times(query, factor if abs(factor - 1) > 1e-5 else 1.0)
    made = graph.operations[last]
    made.kind, made.weights = "attention", {}
    made.scope = operation.scope or made.scope.rpartition("/")[0]
    made.inputs = (query.source,) if key.source == query.source else (query.source, key.source)
    made.fields = {"heads": heads}
    if units != channels:
        made.fields["units"] = units
    if not biased[0]:
        made.fields["bias"] = False
    if "dropout" in operation.fields:
        made.fields["dropout"] = operation.fields["dropout"]
    rest = (scaled, key, _times(value, value.factor), output)
    ranks = (rank, *[len(graph.shape(key.source)) - 1] * 2, rank)
    made.parts = tuple(_arrays(part, at) for part, at in zip(rest, ranks, strict=True))
    made.shape = graph.shape(query.source)
    return None


def _times(part: Projection, factor: float) -> Projection:
    if factor == 1:
        return part
    bias = None if part.bias is None else part.bias * factor
    return part._replace(matrix=part.matrix * factor, bias=bias)


def _arrays(part: Projection, rank: int) -> dict[str, Array]:
    import numpy as np

    kernel = part.matrix.reshape((1,) * rank + part.matrix.shape).astype(np.float32)
    return {"kernel": kernel} | (
        {} if part.bias is None else {"bias": part.bias.astype(np.float32)}
    )


def projection(graph: OperationGraph, number: int) -> Projection | None:
    """What leads to a tensor from a product with a matrix: sums, factors and parts of channels."""
    behind: list[Operation] = []
    operation = graph.operations.get(number)
    while operation is not None and not _is_product(operation):
        if operation.kind not in ("channel_add", "channel_multiply", "slice") or (
            operation.kind == "slice" and operation.fields["axis"] != "channels"
        ):
            return None
        behind.insert(0, operation)
        operation = graph.operations.get(operation.inputs[0])
    if operation is None:
        return None
    matrix = operation.weights["kernel"].reshape(operation.weights["kernel"].shape[-2:])
    part = Projection(operation.inputs[0], matrix, operation.weights.get("bias"), 1.0)
    for each in behind:
        part = _after(part, each)
    return part


def _after(part: Projection, operation: Operation) -> Projection:
    import numpy as np

    if operation.kind == "slice":
        units = slice(operation.fields.get("start"), operation.fields.get("stop"))
        bias = None if part.bias is None else part.bias[units]
        return part._replace(matrix=part.matrix[:, units], bias=bias)
    value = np.asarray(operation.weights["value"])
    if operation.kind == "channel_multiply":
        if value.size == 1:
            return part._replace(factor=part.factor * float(value.reshape(())))
        bias = None if part.bias is None else part.bias * value
        return part._replace(matrix=part.matrix * value, bias=bias)
    added = np.broadcast_to(value.reshape(-1), part.matrix.shape[-1:]) / part.factor
    return part._replace(bias=added if part.bias is None else part.bias + added)


def _is_product(operation: Operation) -> bool:
    """Whether it is a convolution of one cell with all channels."""
    if operation.kind != "conv":
        return False
    kernel = operation.weights["kernel"]
    usual = {"filters", "kernel", "bias"}
    return set(operation.fields) <= usual and set(kernel.shape[:-2]) <= {1}


def _output(graph: OperationGraph, number: int) -> tuple[int, Projection | None]:
    """The product behind an attention, and the sum behind that where it is its bias."""
    reader = _reader(graph, number)
    if reader is None or not _is_product(graph.operations[reader]):
        return number, None
    after = _reader(graph, reader)
    if (
        after is not None
        and "bias" not in graph.operations[reader].weights
        and graph.operations[after].kind == "channel_add"
    ):
        reader = after
    part = projection(graph, reader)
    return reader, None if part is None or part.source != number else part


def _reader(graph: OperationGraph, number: int) -> int | None:
    operation = graph.only_reader(number)
    return next((at for at, each in graph.operations.items() if each is operation), None)
