"""The blocks of the spec that a model was written from, each as one operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from cnnkit.importing.graph import (
    BLOCK,
    GROUP,
    INPUT,
    SHARED,
    Enclosure,
    Operation,
    OperationGraph,
    SpecPlace,
)
from cnnkit.layers.kinds import layer_class
from cnnkit.layers.shape import Shape
from cnnkit.layers.window import Window

_CONVOLUTIONS = ("conv", "depthwise_conv")
_WINDOWED = (*_CONVOLUTIONS, "max_pool", "mean_pool")


def enclosed(graph: OperationGraph) -> OperationGraph:
    """The same network with one operation for each block and each copy of a repeat.

    What reads more than one tensor from around it, or gives more than one, stays as it is.
    """
    whole = replace(graph, operations=_padded(graph), outlined=True)
    _enclose(whole)
    return whole


def _padded(graph: OperationGraph) -> dict[int, Operation]:
    """The operations, their padding as `same` where that is what they have.

    Cells of two sides that differ say so; then those that do not may have been written so, too.
    """
    alike: dict[int, Operation] = {}
    differs = False
    for number, operation in graph.operations.items():
        if operation.kind not in _WINDOWED or "padding" not in operation.fields:
            continue
        shape, fields = graph.shape(operation.inputs[0]), {**operation.fields, "padding": "same"}
        given, same = (_windows(operation.kind, said, shape) for said in (operation.fields, fields))
        if [(w.before, w.after) for w in given] == [(w.before, w.after) for w in same] != []:
            alike[number] = replace(operation, fields=fields)
            uneven = any(window.before != window.after for window in given)
            differs = differs or (uneven and operation.kind in _CONVOLUTIONS)
    return {**graph.operations, **alike} if differs else dict(graph.operations)


def _windows(kind: str, fields: Mapping[str, Any], shape: Shape) -> list[Window]:
    windows = layer_class(kind).model_validate(fields).effect(shape).windows
    return [window for window in windows if isinstance(window, Window)]


def _enclose(graph: OperationGraph) -> None:
    """Makes one operation of those that are in one block or copy, and of those inside it."""
    refused: set[Enclosure] = set()
    while True:
        parts: dict[Enclosure, list[int]] = {}
        for number, operation in graph.operations.items():
            left = [each for each in _within(operation) if each not in refused]
            if left:
                parts.setdefault(left[0], []).append(number)
        shared = {each.fields["layer"] for each in graph.operations.values() if each.kind == SHARED}
        found = {each: _ends(graph, numbers, shared) for each, numbers in parts.items()}
        wrong = {each for each, ends in found.items() if ends is None}
        if not wrong:
            break
        refused |= wrong
    for enclosure, numbers in parts.items():
        if (ends := found[enclosure]) is not None:
            _put(graph, enclosure, numbers, *ends)


def _within(operation: Operation) -> tuple[Enclosure, ...]:
    return operation.place.within if operation.place else ()


def _ends(
    graph: OperationGraph, numbers: Sequence[int], shared: Set[int]
) -> tuple[int, int] | None:
    """The tensor that operations read and the one they give, where it is one of each.

    None where others share the weights of one of them, too.
    """
    inside = set(numbers)
    kinds = {graph.operations[number].kind for number in numbers}
    if kinds & {SHARED, GROUP} or inside & shared:
        return None
    sources = {
        source
        for number in numbers
        for source in graph.operations[number].inputs
        if source not in inside
    }
    given = inside & graph.ends
    given |= {number for number in numbers if not inside.issuperset(graph.readers(number))}
    return (*sources, *given) if len(sources) == len(given) == 1 else None  # type: ignore[return-value]


def _put(
    graph: OperationGraph, enclosure: Enclosure, numbers: Sequence[int], source: int, last: int
) -> None:
    """Puts one operation in the place of those of a block."""
    inner = OperationGraph(graph.name, graph.shape(source), output=last, outlined=True)
    for number in numbers:
        operation = graph.operations[number]
        place = operation.place or SpecPlace()
        deeper = place.within[place.within.index(enclosure) + 1 :]
        read = tuple(INPUT if each == source else each for each in operation.inputs)
        inner.put(number, replace(operation, inputs=read, place=place._replace(within=deeper)))
    made = Operation(BLOCK, (source,), shape=graph.shape(last), inner=inner)
    made.place = SpecPlace((enclosure,), enclosure.name if enclosure.repeat is None else None)
    for number in numbers:
        if number != last:
            graph.remove(number)
    graph.put(last, made)
    _enclose(inner)
