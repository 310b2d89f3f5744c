"""Each second cell of a map beside its neighbours, as channels: `space_to_depth`.

Swin joins the cells of each block in the order of its columns, ours is that of its rows: the
weights of what reads them are brought into our order.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

from cnnkit.importing.graph import Operation, OperationGraph

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


def name_merged_cells(graph: OperationGraph) -> None:
    """Makes `space_to_depth` of each concatenation of all cells of blocks."""
    for number in list(graph.operations):
        join = graph.operations.get(number)
        if join is None or join.kind != "concat" or join.fields:
            continue
        cells = [_cell(graph, each) for each in join.inputs]
        first = cells[0]
        if first is None or any(each is None or each[0] != first[0] for each in cells):
            continue
        source = first[0]
        offsets = [each[1] for each in cells if each is not None]
        rank = len(graph.shape(source)) - 1
        block = round(len(offsets) ** (1 / rank))
        ours = list(product(range(block), repeat=rank))
        strides = {each[2] for each in cells if each is not None}
        if block < 2 or sorted(offsets) != ours or strides != {(block,) * rank}:
            continue
        if any(extent % block for extent in graph.shape(source)[:-1]):
            continue
        if _reordered(graph, number, [offsets.index(each) for each in ours]):
            before = join.inputs
            join.kind, join.fields = "space_to_depth", {"block": block}
            graph.rewire(number, (source,))
            graph.drop(before)


def _cell(
    graph: OperationGraph, number: int
) -> tuple[int, tuple[int, ...], tuple[int, ...]] | None:
    """The map that a tensor has single cells of, the first of them, and how far they are apart."""
    rank = len(graph.shape(number)) - 1
    first, strides = [0] * rank, [1] * rank
    while (operation := graph.operations.get(number)) is not None:
        fields = operation.fields
        if operation.kind == "slice" and set(fields) == {"axis", "start"} and _ahead(fields, first):
            if strides[fields["axis"]] == 1:  # it is behind the stride, and not counted in cells
                return None
            first[fields["axis"]] = fields["start"]
        elif operation.kind == "max_pool" and set(fields) == {"size", "stride"}:
            each = fields["stride"]
            each = [each] * rank if isinstance(each, int) else each
            twice = any(a > 1 and b > 1 for a, b in zip(each, strides, strict=True))
            if fields["size"] != 1 or twice:
                return None
            strides = [a * b for a, b in zip(each, strides, strict=True)]
        else:
            break
        (number,) = operation.inputs
    return (number, tuple(first), tuple(strides)) if math.prod(strides) > 1 else None


def _ahead(fields: dict[str, object], first: list[int]) -> bool:
    axis = fields["axis"]
    return isinstance(axis, int) and not first[axis]


def _reordered(graph: OperationGraph, number: int, order: list[int]) -> bool:
    """Brings the weights of what reads the cells of blocks into our order; False if none can be."""
    if order == sorted(order):
        return True
    readers = []
    while True:
        at = graph.sole_reader(number)
        if at is None:
            return False
        reader = graph.operations[at]
        readers.append(reader)
        if reader.kind == "conv" and reader.fields.get("groups", 1) == 1:
            break
        if reader.kind != "layer_norm" or reader.fields.get("over", "channels") != "channels":
            return False
        number = at
    for reader in readers:
        _bring(reader, order)
    return True


def _bring(reader: Operation, order: list[int]) -> None:
    for name, array in reader.weights.items():
        if reader.kind == "conv" and name == "kernel":
            reader.weights[name] = _parts(array, order, -2)
        elif reader.kind != "conv":
            reader.weights[name] = _parts(array, order, -1)


def _parts(array: Array, order: list[int], axis: int) -> Array:
    """An array whose axis is equal parts one after another, with these in another order."""
    import numpy as np

    parts = np.split(array, len(order), axis)
    return np.concatenate([parts[each] for each in order], axis)
