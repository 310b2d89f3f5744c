"""Reductions whose axes are taken out, and factors that are spread without a reshape."""

from __future__ import annotations

from cnnkit.importing.graph import Operation, OperationGraph


def join_reductions(graph: OperationGraph) -> None:
    """Says of a reduction over a whole map that it keeps no axes, where a flatten takes them out.

    A vector that multiplies a map needs no axes of one cell: those that it gets are left out.
    """
    for number in list(graph.operations):
        operation = graph.operations.get(number)
        if operation is None:
            continue
        if operation.kind == "flatten" and _reduces(graph, operation):
            before = graph.operations[operation.inputs[0]]
            before.fields["keep"], before.shape = False, operation.shape
            graph.bypass(number)
        elif operation.kind == "reshape" and _is_factor(graph, number):
            graph.bypass(number)


def _reduces(graph: OperationGraph, operation: Operation) -> bool:
    """Whether a flatten leaves the channels of a map that was reduced to one cell."""
    (source,) = operation.inputs
    before = graph.operations.get(source)
    if before is None or before.kind != "reduce" or graph.only_reader(source) is not operation:
        return False
    over = before.fields["over"]
    axes = set(over) if isinstance(over, list) else {over}
    return axes == set(range(len(before.shape) - 1)) and "keep" not in before.fields


def _is_factor(graph: OperationGraph, number: int) -> bool:
    """Whether a reshape gives a vector axes of one cell for the products that read it."""
    operation = graph.operations[number]
    vector = graph.shape(operation.inputs[0])
    if len(vector) != 1 or operation.shape != (1,) * (len(operation.shape) - 1) + vector:
        return False
    readers = [each for each in graph.operations.values() if number in each.inputs]
    larger = all(
        each.kind == "multiply" and each.shape[-1:] == vector and len(each.shape) > 1
        and any(graph.shape(read) == each.shape for read in each.inputs if read != number)
        for each in readers
    )  # fmt: skip
    return bool(readers) and larger and number not in graph.ends
