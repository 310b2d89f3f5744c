"""Concatenations that begin with all of an earlier one: they read that one instead.

So is DenseNet written where each layer joins all maps before it.
"""

from __future__ import annotations

from cnnkit.importing.graph import OperationGraph


def chain_concatenations(graph: OperationGraph) -> None:
    """Lets each concatenation read the longest earlier one that it begins with."""
    known: dict[tuple[int, ...], int] = {}
    for number, operation in graph.operations.items():
        if operation.kind != "concat" or operation.fields:
            continue
        whole = operation.inputs
        for count in range(len(whole) - 1, 1, -1):
            if whole[:count] in known:
                graph.rewire(number, (known[whole[:count]], *whole[count:]))
                break
        known.setdefault(whole, number)
