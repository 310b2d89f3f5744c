"""A `flatten` behind a global pool: the pool gives the vector itself."""

from __future__ import annotations

from cnnkit.importing.graph import Operation, OperationGraph

_GLOBAL = ("global_mean_pool", "global_max_pool")
_EACH_CHANNEL = frozenset({"batch_norm", "layer_norm", "rms_norm"})
"""Norms that give each channel of a cell the same, whatever the axes of the map."""


def lift_flattens(graph: OperationGraph) -> None:
    """Moves each flatten ahead of what works cell by cell, and into a global pool."""
    for number in list(graph.operations):
        flatten = graph.operations.get(number)
        if flatten is None or flatten.kind != "flatten":
            continue
        run = _run(graph, flatten)
        pool = graph.operations.get(run[-1])
        if pool is None or pool.kind not in _GLOBAL or graph.only_reader(run[-1]) is None:
            continue
        pool.fields.pop("keep_axes", None)
        for each in run:
            graph.operations[each].shape = flatten.shape
        graph.bypass(number)


def _run(graph: OperationGraph, flatten: Operation) -> list[int]:
    """The operations before a flatten that work cell by cell, and what they begin with."""
    run = [flatten.inputs[0]]
    while (operation := graph.operations.get(run[-1])) is not None:
        if not _cell_by_cell(operation) or graph.only_reader(run[-1]) is None:
            break
        run.append(operation.inputs[0])
    return run


def _cell_by_cell(operation: Operation) -> bool:
    whole = operation.fields.get("over", "channels") != "channels"
    return operation.elementwise or (operation.kind in _EACH_CHANNEL and not whole)
