"""Recurrent layers: which way they go, what they read, and whether they give a sequence."""

from __future__ import annotations

import math

from cnnkit.importing.graph import REVERSED, Operation, OperationGraph
from cnnkit.importing.patterns.attending import projection

_RECURRENT = ("lstm", "gru")
_ALONG = (*_RECURRENT, "conv_lstm")
"""What goes along a sequence of vectors, and of maps too."""


def turn_sequences(graph: OperationGraph) -> None:
    """Lets layers that read a sequence turned round go backward along it."""
    for number, layer in list(graph.operations.items()):
        turned = graph.operations.get(layer.inputs[0]) if layer.inputs else None
        if layer.kind in _ALONG and turned is not None and turned.kind == REVERSED:
            if turned.fields["axis"] != 0 or not _turned_back(graph, number, layer):
                continue
            graph.rewire(number, turned.inputs)
            if layer.fields.pop("direction", "forward") == "forward":
                layer.fields["direction"] = "backward"
    graph.prune()
    for operation in graph.operations.values():
        if operation.kind == REVERSED:
            advice = "near are lstm and gru, whose `direction` may be backward"
            graph.refuse(operation, f"step `{operation.node}` turns an axis round", advice)


def _turned_back(graph: OperationGraph, number: int, layer: Operation) -> bool:
    """Turns what is read of a layer round, where all of it can be."""
    length = layer.shape[0]
    readers = [(at, graph.operations[at]) for at in graph.readers(number)]
    ends = ("slice", REVERSED)
    if number in graph.ends or any(
        each.kind not in ends or each.fields["axis"] != 0 for _, each in readers
    ):
        return False
    for at, reader in readers:
        if reader.kind == REVERSED:
            graph.redirect(at, number)
            continue
        start, stop = reader.fields.pop("start", 0), reader.fields.pop("stop", length)
        reader.fields |= {"start": length - stop} if stop < length else {}
        reader.fields |= {"stop": length - start} if start else {}
    return True


def join_projections(graph: OperationGraph) -> None:
    """Lets layers whose kernel deals out what a product gave have that product as their own."""
    import numpy as np

    for number, layer in list(graph.operations.items()):
        if layer.kind not in _RECURRENT or "kernel" not in layer.weights:
            continue
        kernel = layer.weights["kernel"]
        flat = graph.operations.get(layer.inputs[0])
        if flat is None or flat.kind != "flatten" or "keep_channels" not in flat.fields:
            flat = None
        behind, product = layer.inputs[0], layer.inputs[0]
        if flat is None:
            behind = number
        else:
            (product,) = flat.inputs
        part = projection(graph, product)
        if part is None or any(
            graph.only_reader(each) is None for each in (product, layer.inputs[0])
        ):
            continue
        if not np.array_equal(kernel, np.eye(*kernel.shape)):
            continue
        graph.rewire(behind, (part.source,))
        if flat is not None:
            flat.shape = (*flat.shape[:-1], len(part.matrix))
        layer.weights["kernel"] = part.matrix * part.factor
        if part.bias is not None:
            wide = len(kernel)
            own = layer.weights.get(
                "bias", np.zeros((wide,) if layer.kind == "lstm" else (2, wide))
            )
            added = part.bias * part.factor
            both = own + added if layer.kind == "lstm" else np.stack([own[0] + added, own[1]])
            layer.weights["bias"] = both.astype(np.float32)
            layer.fields.pop("bias", None)
    graph.prune()


def join_directions(graph: OperationGraph) -> None:
    """Lets two layers along one sequence, there and back, whose outcomes are joined, be one."""
    for number, join in list(graph.operations.items()):
        if join.kind != "concat" or join.fields or len(join.inputs) != 2:
            continue
        ahead, back = (graph.operations.get(each) for each in join.inputs)
        if ahead is None or back is None or ahead.kind not in _ALONG:
            continue
        fields = {name: value for name, value in back.fields.items() if name != "direction"}
        alone = all(graph.only_reader(each) is join for each in join.inputs)
        alike = (back.kind, fields) == (ahead.kind, ahead.fields)
        if not (alone and alike and back.fields.get("direction") == "backward"):
            continue
        if not _one_tensor(graph, ahead.inputs[0], back.inputs[0]):
            continue
        join.kind, join.scope = ahead.kind, ahead.scope
        graph.rewire(number, ahead.inputs)
        join.fields = {**fields, "direction": "both"}
        join.weights = {**ahead.weights}
        join.weights |= {f"backward_{name}": array for name, array in back.weights.items()}
        join.origins = ahead.origins | back.origins
    graph.prune()


def _one_tensor(graph: OperationGraph, one: int, other: int) -> bool:
    """Whether two operations are one, or do the same to one tensor without weights."""
    if one == other:
        return True
    first, second = (graph.operations.get(each) for each in (one, other))
    if first is None or second is None or first.arrays or second.arrays:
        return False
    said = ((each.kind, each.fields, each.inputs) for each in (first, second))
    return next(said) == next(said)


def end_sequences(graph: OperationGraph) -> None:
    """Lets layers whose last steps are cut out and flattened give these themselves."""
    _parts_of_concatenations(graph)
    _whole_concatenations(graph)
    for number in list(graph.operations):
        layer = graph.operations.get(number)
        if layer is None or layer.kind not in _RECURRENT or not layer.fields.get("sequences"):
            continue
        flat = _flattened(graph, number, layer)
        if flat is not None:
            del layer.fields["sequences"]
            layer.shape = layer.shape[1:]
            graph.redirect(flat, number)
            graph.drop([flat])


def _flattened(graph: OperationGraph, number: int, layer: Operation) -> int | None:
    """The flatten of the last steps, where nothing else of the sequence is read."""
    length, channels = layer.shape
    ends = graph.readers(number)
    if layer.fields.get("direction") == "both":
        parts = [each for end in ends for each in graph.readers(end)]
        wanted = [
            [(0, length - 1, length), ("channels", 0, channels // 2)],
            [(0, 0, 1), ("channels", channels // 2, channels)],
        ]
        if len(ends) != len(parts) or [_cut(graph, part) for part in parts] != wanted:
            return None
        joins = {join for part in parts for join in graph.readers(part)}
        if len(joins) != 1 or graph.operations[max(joins)].inputs != tuple(parts):
            return None
        last = max(joins)
    else:
        start = 0 if layer.fields.get("direction") == "backward" else length - 1
        if length == 1:
            last = number
        elif len(ends) == 1 and _cut(graph, ends[0], 1) == [(0, start, start + 1)]:
            last = ends[0]
        else:
            return None
    (flat, *others) = graph.readers(last) or [last]
    if others or last in graph.ends or graph.operations[flat].kind != "flatten":
        return None
    return flat


def _cut(
    graph: OperationGraph, number: int, depth: int = 2
) -> list[tuple[int | str, int, int]] | None:
    """What slices, one behind the other, keep: the axis, the start and the stop of each."""
    found: list[tuple[int | str, int, int]] = []
    for _ in range(depth):
        part = graph.operations.get(number)
        if part is None or part.kind != "slice" or number in graph.ends:
            return None
        axis = part.fields["axis"]
        extent = graph.shape(part.inputs[0])[-1 if axis == "channels" else axis]
        found.insert(0, (axis, part.fields.get("start", 0), part.fields.get("stop", extent)))
        number = part.inputs[0]
    return found


def _parts_of_concatenations(graph: OperationGraph) -> None:
    """A slice that keeps one of the tensors that were joined is that tensor, flattened or not."""
    for number in list(graph.operations):
        part = graph.operations[number]
        join = graph.operations.get(part.inputs[0]) if part.inputs else None
        if part.kind != "slice" or join is None or join.kind != "concat":
            continue
        axis = join.fields.get("axis", "channels")
        cut = _cut(graph, number, 1)
        if not cut or cut[0][0] != axis:
            continue
        place, start = -1 if axis == "channels" else axis, 0
        for source in join.inputs:
            stop = start + graph.shape(source)[place]
            if cut[0][1:] == (start, stop):
                graph.redirect(number, source)
            start = stop
    graph.prune()
    for number in list(graph.operations):
        flat = graph.operations.get(number)
        if flat is None or flat.kind != "flatten" or flat.fields:
            continue
        shaped = graph.operations.get(flat.inputs[0])
        if shaped is not None and shaped.kind == "reshape" and graph.only_reader(flat.inputs[0]):
            graph.bypass(flat.inputs[0])


def _whole_concatenations(graph: OperationGraph) -> None:
    """A concatenation of all parts of one tensor, in their order, is that tensor."""
    for number in list(graph.operations):
        join = graph.operations.get(number)
        if join is None or join.kind != "concat" or join.fields:
            continue
        flat = all(graph.operations.get(each, join).kind == "flatten" for each in join.inputs)
        parts = [graph.operations[each].inputs[0] if flat else each for each in join.inputs]
        cuts = [_cut(graph, each, 1) for each in parts]
        sources = {graph.operations[each].inputs for each in parts if each in graph.operations}
        if None in cuts or len(sources) != 1:
            continue
        ((source,),) = sources
        places = [each for cut in cuts for each in cut or () if each[0] == "channels"]
        stops = [0, *(stop for _, _, stop in places)]
        whole = len(places) == len(cuts) and stops[-1] == graph.shape(source)[-1]
        if not whole or [start for _, start, _ in places] != stops[:-1]:
            continue
        if flat and len(graph.shape(source)) > 1:
            if math.prod(graph.shape(source)[:-1]) == 1:
                before, join.kind = join.inputs, "flatten"
                graph.rewire(number, (source,))
                graph.drop(before)
        else:
            graph.redirect(number, source)
            graph.drop([number])
