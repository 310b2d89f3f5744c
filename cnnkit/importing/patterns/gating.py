"""Activations that exporters write out: SiLU, hard SiLU, hard sigmoid, GELU, Mish."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnkit.importing.graph import Operation, OperationGraph

_GATES = ("gelu", "relu", "sigmoid", "silu", "tanh")
_PRODUCTS = {"sigmoid": "silu", "hard_sigmoid": "hard_silu"}


def name_gated(graph: OperationGraph) -> None:
    """Names each written-out activation; an error function outside a GELU is refused."""
    for number in list(graph.operations):
        if number in graph.operations:
            _hard_sigmoid(graph, number)
    for number in list(graph.operations):
        if number in graph.operations:
            _product(graph, number)
    for number in list(graph.operations):
        if number in graph.operations and graph.operations[number].kind == "erf":
            _gelu(graph, number)


def _hard_sigmoid(graph: OperationGraph, number: int) -> None:
    """relu6(x + 3)/6, and x·relu6(x + 3)/6."""
    operation = graph.operations[number]
    if operation.kind != "channel_multiply" or not _is(operation, 1 / 6):
        return
    kind, clipped_number = "hard_sigmoid", operation.inputs[0]
    product = graph.operations.get(clipped_number)
    if product is not None and product.kind == "multiply":
        if graph.only_reader(clipped_number) is None:
            return
        kind, clipped_number = "hard_silu", max(product.inputs)
    clipped = graph.operations.get(clipped_number)
    if clipped is None or clipped.kind != "relu6":
        return
    moved = graph.operations.get(clipped.inputs[0])
    if moved is None or moved.kind != "channel_add" or not _is(moved, 3):
        return
    if kind == "hard_silu" and product is not None and min(product.inputs) != moved.inputs[0]:
        return
    if graph.only_reader(clipped_number) and graph.only_reader(clipped.inputs[0]):
        _becomes(graph, number, kind, moved.inputs[0])


def _product(graph: OperationGraph, number: int) -> None:
    """x·sigmoid(x), x·sigmoid(1.702·x), x·hard_sigmoid(x), x·tanh(softplus(x)), a GLU."""
    operation = graph.operations[number]
    if operation.kind != "multiply" or len(operation.inputs) != 2:
        return
    for gate_number, x in (operation.inputs, operation.inputs[::-1]):
        gate = graph.operations.get(gate_number)
        if gate is None or graph.only_reader(gate_number) is not operation:
            continue
        if gate.kind in _PRODUCTS and gate.inputs == (x,):
            _becomes(graph, number, _PRODUCTS[gate.kind], x)
            return
        if (source := _halves(graph, x, gate)) is not None:
            name = "linear" if gate.kind == "slice" else gate.kind
            _becomes(graph, number, "glu", source)
            operation.fields = {} if name == "sigmoid" else {"gate": name}
            return
        inner = graph.operations.get(gate.inputs[0])
        scaled = inner is not None and inner.kind == "channel_multiply" and inner.inputs == (x,)
        if gate.kind == "sigmoid" and inner is not None and scaled and _is(inner, 1.702):
            _becomes(graph, number, "quick_gelu", x)
            return
        if gate.kind == "tanh" and inner and inner.kind == "softplus" and inner.inputs == (x,):
            _becomes(graph, number, "mish", x)
            return


def _halves(graph: OperationGraph, number: int, gate: Operation) -> int | None:
    """The tensor whose first half of channels one operation is, and its other half the gate."""
    first = graph.operations.get(number)
    second = gate if gate.kind == "slice" else graph.operations.get(gate.inputs[0])
    if first is None or second is None or gate.kind not in (*_GATES, "slice"):
        return None
    if gate is not second and gate.fields:
        return None
    if (first.kind, second.kind) != ("slice", "slice") or first.inputs != second.inputs:
        return None
    half = graph.shape(first.inputs[0])[-1] // 2
    wanted = {"axis": "channels", "stop": half}, {"axis": "channels", "start": half}
    return first.inputs[0] if (first.fields, second.fields) == wanted else None


def _gelu(graph: OperationGraph, number: int) -> None:
    """x·(1 + erf(x/√2))/2, the half before or behind the product."""
    erf = graph.operations[number]
    node, x, factor, last = erf.node, None, 1.0, number
    inner = graph.operations.get(erf.inputs[0])
    if inner and inner.kind == "channel_multiply" and _is(inner, math.sqrt(0.5)):
        x = inner.inputs[0]
    for last, reader in _readers(graph, number):
        if reader.kind == "channel_multiply":
            factor *= float(reader.weights["value"].reshape(-1)[0])
        elif reader.kind == "multiply":
            others = [each for each in reader.inputs if each != x]
            half = graph.operations.get(reader.inputs[0]), graph.operations.get(reader.inputs[1])
            for each in half:
                if each and each.kind == "channel_multiply" and each.inputs == (x,):
                    factor *= float(each.weights["value"].reshape(-1)[0])
                    others = others[:1]
            if len(others) != 1:
                break
        if abs(factor - 0.5) < 1e-6 and reader.kind != "channel_add" and x is not None:
            if reader.kind == "channel_multiply" and not _multiplied(graph, last, x):
                continue
            _becomes(graph, last, "gelu", x)
            return
    graph.refuse(erf, f"node `{node}`: an error function outside a GELU cannot be said")


def _multiplied(graph: OperationGraph, number: int, x: int) -> bool:
    """Whether the product with x is among what a factor was applied to."""
    operation = graph.operations.get(number)
    while operation is not None and operation.kind != "erf":
        if operation.kind == "multiply" and x in operation.inputs:
            return True
        operation = graph.operations.get(operation.inputs[0])
    return False


def _readers(graph: OperationGraph, number: int) -> Iterator[tuple[int, Operation]]:
    """The up to three operations that follow one another, each the only reader."""
    for _ in range(3):
        reader = graph.sole_reader(number)
        if reader is None:
            return
        number = reader
        yield number, graph.operations[number]


def _is(operation: Operation, value: float) -> bool:
    given = operation.weights["value"]
    return given.size == 1 and abs(float(given.reshape(())) - value) < 1e-6


def _becomes(graph: OperationGraph, number: int, kind: str, x: int) -> None:
    """An operation is another kind of x; what it was made of goes where nothing else reads it."""
    operation = graph.operations[number]
    before = operation.inputs
    operation.kind, operation.fields, operation.weights = kind, {}, {}
    graph.rewire(number, (x,))
    graph.drop(before)
