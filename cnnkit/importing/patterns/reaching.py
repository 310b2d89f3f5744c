"""Cells that are left out behind a convolution, as those that it does not compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.importing.graph import Operation, OperationGraph
from cnnkit.importing.operators.windows import scalar


def join_cropping(graph: OperationGraph) -> None:
    """Makes the padding of a transposed convolution of a crop behind it."""
    for number in list(graph.operations):
        layer = graph.operations.get(number)
        if layer is None or layer.kind != "transposed_conv" or "padding" in layer.fields:
            continue
        at = graph.sole_reader(number)
        if at is None or graph.operations[at].kind != "crop":
            continue
        reader = graph.operations[at]
        if "cells" not in reader.fields:
            continue
        rank = len(layer.shape) - 1
        pairs = _pairs(reader.fields["cells"], rank)
        beyond = _each(layer.fields.pop("output_padding", 0), rank)
        # What was added at the end goes first.
        rest = [max(cells - after, 0) for cells, (_, after) in zip(beyond, pairs, strict=True)]
        pairs = [
            [before, max(after - cells, 0)]
            for cells, (before, after) in zip(beyond, pairs, strict=True)
        ]
        if any(rest):
            layer.fields["output_padding"] = scalar(rest)
        if any(map(any, pairs)):
            layer.fields["padding"] = _padding(pairs)
        layer.shape = reader.shape
        graph.bypass(at)


def join_strides(graph: OperationGraph) -> None:
    """Makes the stride of a convolution with a dilation of cells that are left out behind it."""
    for number in list(graph.operations):
        layer = graph.operations.get(number)
        if layer is None or layer.kind not in ("conv", "depthwise_conv"):
            continue
        if "dilation" not in layer.fields or layer.fields.get("padding") == "same":
            continue  # the cells of `same` depend on the stride
        if "stride" in layer.fields:
            continue
        strides = [1] * (len(layer.shape) - 1)
        while (at := graph.sole_reader(number)) is not None and _leaves_out(graph.operations[at]):
            reader = graph.operations[at]
            each = _each(reader.fields["stride"], len(strides))
            strides = [a * b for a, b in zip(strides, each, strict=True)]
            layer.shape = reader.shape
            graph.bypass(at)
        if max(strides) > 1:
            layer.fields["stride"] = scalar(strides)


def _leaves_out(operation: Operation) -> bool:
    """Whether it is a pool of single cells, some apart."""
    fields = operation.fields
    return (
        operation.kind == "max_pool"
        and fields.keys() == {"size", "stride"}
        and (fields["size"] == 1)
    )


def _each(value: Any, rank: int) -> list[int]:
    return [value] * rank if isinstance(value, int) else list(value)


def _pairs(cells: Any, rank: int) -> list[list[int]]:
    each = [cells] * rank if isinstance(cells, int) else cells
    return [[side, side] if isinstance(side, int) else list(side) for side in each]


def _padding(pairs: Sequence[Sequence[int]]) -> Any:
    """The shortest that says so many cells before and after each axis."""
    numbers = {cells for pair in pairs for cells in pair}
    if len(numbers) == 1:
        return numbers.pop()
    even = all(before == after for before, after in pairs)
    return [pair[0] for pair in pairs] if even else [list(pair) for pair in pairs]
