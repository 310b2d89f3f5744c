"""Products of queries, keys and values with the projections around them, as `attention`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.importing.graph import ADDED, ATTEND, SCORES, Operation, OperationGraph, RefusedError
from cnnkit.importing.operators.windows import scalar
from cnnkit.importing.patterns.windows import relative_bias, rolled, unrolled
from cnnkit.layers.shape import Shape

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
            advice: str | None = _ADVICE
            try:
                reason = _named(graph, number, operation)
            except RefusedError as error:
                reason, advice = str(error), error.advice or _ADVICE
            if reason:
                message = f"node `{operation.node}`: {reason}"
                graph.refuse(operation, message, advice)
    for number, operation in list(graph.operations.items()):
        if operation.kind == ADDED:
            graph.bypass(number)
        if operation.kind == SCORES:
            graph.refuse(
                operation, f"node `{operation.node}` multiplies two tensors of the network", _ADVICE
            )


def _named(graph: OperationGraph, number: int, operation: Operation) -> str | None:
    """Makes the attention of its parts; else says what is missing.

    Raises:
        RefusedError: What is added to its scores is not what ours adds.
    """
    read = [_projected(graph, operation, each) for each in operation.inputs]
    parts, shifts = [part for part, _ in read], [shift for _, shift in read]
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
    shift = shifts[0]
    if {*shifts} != {shift}:
        return "its queries, keys and values are moved by other cells"
    last, output = _output(graph, number, shift)
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
    alone = key.source == query.source
    if "windows" in operation.fields:  # they are said, and need not be found
        windows, table = operation.fields["windows"], operation.weights.get("relative_bias")
    else:
        windows, table = _windows(graph.shape(query.source)[:-1], operation, shift, alone=alone)
    made = graph.operations[last]
    made.kind, made.weights = "attention", {}
    made.scope = operation.scope or made.scope.rpartition("/")[0]
    before = made.inputs
    graph.rewire(last, (query.source,) if alone else (query.source, key.source))
    made.fields = {"heads": heads}
    if units != channels:
        made.fields["units"] = units
    if not biased[0]:
        made.fields["bias"] = False
    made.fields |= windows
    if "dropout" in operation.fields:
        made.fields["dropout"] = operation.fields["dropout"]
    rest = (scaled, key, _times(value, value.factor), output)
    ranks = (rank, *[len(graph.shape(key.source)) - 1] * 2, rank)
    made.parts = tuple(_arrays(part, at) for part, at in zip(rest, ranks, strict=True))
    if table is not None:
        made.parts = (*made.parts[:-1], {"relative_bias": table}, made.parts[-1])
        graph.folded -= table.size
    made.shape = graph.shape(query.source)
    graph.drop(before)
    return None


def _projected(
    graph: OperationGraph, operation: Operation, number: int
) -> tuple[Projection | None, Shape]:
    """The product with a matrix that a tensor is, and by how much a map of windows is rolled.

    What is rolled is the map before the product, or what comes of it.
    """
    if "window" not in operation.fields:
        return projection(graph, number), ()
    outer = unrolled(graph, number)
    part = projection(graph, outer.source)
    if part is None:
        return None, ()
    inner = unrolled(graph, part.source)
    extents = graph.shape(number)[:-1]
    return part._replace(source=inner.source), _summed(inner.cells, outer.cells, extents)


def _summed(one: Shape, other: Shape, extents: Shape) -> Shape:
    """What two rolls come to."""
    return tuple((a + b) % extent for a, b, extent in zip(one, other, extents, strict=True))


def _windows(
    extents: Shape, operation: Operation, shift: Shape, *, alone: bool
) -> tuple[dict[str, Any], Array | None]:
    """The fields of an attention in windows, and the numbers that it has for distances.

    Raises:
        RefusedError: Ours cannot have such windows, or adds something else to its scores.
    """
    import numpy as np

    window, bias = operation.fields.get("window"), operation.weights.get("bias")
    if window is None and bias is None:
        return {}, None
    if not alone:
        raise RefusedError("its keys are of another map, of which it has windows or distances")
    sizes = extents if window is None else window
    shift = shift or (0,) * len(extents)
    for extent, size, cells in zip(extents, sizes, shift, strict=True):
        if cells >= size or (cells and size == extent):
            raise RefusedError(f"its windows of {list(sizes)} are moved by {list(shift)}")
    fields: dict[str, Any] = {} if window is None else {"window": scalar(window)}
    if any(shift):
        fields["shift"] = scalar(shift)
    if bias is None:
        bias = np.zeros((1, math.prod(sizes), math.prod(sizes), 1))
    table = relative_bias(bias if bias.ndim == 4 else bias[None], extents, sizes, shift)
    if not table.any():
        return fields, None
    whole = np.broadcast_to(table, (*table.shape[:-1], operation.fields["heads"]))
    return {**fields, "relative_bias": True}, whole.astype(np.float32)


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


def _output(graph: OperationGraph, number: int, shift: Shape) -> tuple[int, Projection | None]:
    """The last operation of an attention, and the product behind it with the sum that is its bias.

    Before or behind that product a map that was rolled is rolled back.

    Raises:
        RefusedError: It is not.
    """
    if not any(shift):
        return _product_behind(graph, number)
    start = rolled(graph, number)
    reader, part = _product_behind(graph, start)
    if part is None:
        return reader, None
    last = rolled(graph, reader)
    extents = graph.shape(number)[:-1]
    back = _summed(unrolled(graph, start).cells, unrolled(graph, last).cells, extents)
    if any(_summed(shift, back, extents)):
        raise RefusedError(
            f"its windows are moved by {list(shift)} cells, what comes of them not back by as many"
        )
    graph.operations[last].origins = graph.operations[reader].origins
    return last, part


def _product_behind(graph: OperationGraph, number: int) -> tuple[int, Projection | None]:
    """The product that reads a tensor, and the sum behind it where that is its bias."""
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
    return graph.sole_reader(number)
