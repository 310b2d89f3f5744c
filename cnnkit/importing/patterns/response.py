"""A global response norm that is written out (Woo et al., 2023, "ConvNeXt V2").

scale·(x·N) + shift + x, N being each channel's norm over the map beside the mean of all norms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnkit.importing.graph import Operation, OperationGraph

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


def name_response_norms(graph: OperationGraph) -> None:
    """Puts one operation in the place of each."""
    for number in list(graph.operations):
        operation = graph.operations.get(number)
        if operation is None or operation.kind != "add" or len(operation.inputs) != 2:
            continue
        for x, inner in (operation.inputs, operation.inputs[::-1]):
            found = _parts(graph, x, inner)
            if found is not None:
                epsilon, scale, shift, scope = found
                operation.kind, before = "global_response_norm", operation.inputs
                graph.rewire(number, (x,))
                operation.fields = {} if epsilon == 1e-6 else {"epsilon": epsilon}
                operation.weights = {"scale": scale, "shift": shift}
                operation.scope = scope or operation.scope
                graph.drop(before)
                break


def _parts(graph: OperationGraph, x: int, inner: int) -> tuple[float, Array, Array, str] | None:
    """The number that is added, scale, shift and scope of what is added to x; None of others."""
    added = _constant(graph, inner, "channel_add")
    scaled = _constant(graph, added.inputs[0], "channel_multiply") if added else None
    if added is None or scaled is None:
        return None
    product = graph.operations.get(scaled.inputs[0])
    if product is None or product.kind != "multiply" or x not in product.inputs:
        return None
    beside = graph.operations.get(next((each for each in product.inputs if each != x), x))
    if beside is None or beside.kind != "divide" or len(beside.inputs) != 2:
        return None
    norms = graph.operations.get(beside.inputs[0])
    over = list(range(len(graph.shape(x)) - 1))
    if norms is None or norms.inputs != (x,) or norms.kind != "reduce":
        return None
    if norms.fields != {"over": over if len(over) > 1 else over[0], "by": "norm"}:
        return None
    plus = _constant(graph, beside.inputs[1], "channel_add")
    mean = graph.operations.get(plus.inputs[0]) if plus else None
    if plus is None or mean is None or mean.inputs != beside.inputs[:1]:
        return None
    value = plus.weights["value"]
    if (mean.kind, mean.fields) != ("reduce", {"over": "channels"}) or value.size != 1:
        return None
    channels = graph.shape(x)[-1]
    scale, shift = (each.weights["value"].reshape(-1) for each in (scaled, added))
    if scale.size != channels or shift.size != channels:
        return None
    return float(f"{float(value.reshape(())):.6g}"), scale, shift, added.scope


def _constant(graph: OperationGraph, number: int, kind: str) -> Operation | None:
    """An operation with a constant, which one other reads."""
    operation = graph.operations.get(number)
    if operation is None or operation.kind != kind or graph.only_reader(number) is None:
        return None
    return operation
