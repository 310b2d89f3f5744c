"""A `pad` of zeros before a convolution, as the convolution's own padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.importing.graph import Operation, OperationGraph


def join_padding(graph: OperationGraph) -> None:
    """Joins each pad that one convolution alone reads."""
    for number in list(graph.operations):
        pad = graph.operations[number]
        if pad.kind != "pad" or {"channels"} & set(pad.fields):
            continue
        reader = graph.only_reader(number)
        if reader is None or reader.kind not in ("conv", "depthwise_conv"):
            continue
        if "padding_mode" in pad.fields and "padding" in reader.fields:
            continue
        if reader.fields.get("padding") == "same":
            continue
        _join(pad, reader, len(pad.shape) - 1)
        graph.bypass(number)


def _join(pad: Operation, reader: Operation, rank: int) -> None:
    added = _pairs(pad.fields.get("padding", 0), rank)
    own = _pairs(reader.fields.get("padding", 0), rank)
    total = [[a + c, b + d] for (a, b), (c, d) in zip(added, own, strict=True)]
    numbers = {cells for pair in total for cells in pair}
    even = all(before == after for before, after in total)
    reader.fields["padding"] = (
        numbers.pop() if len(numbers) == 1 else [pair[0] for pair in total] if even else total
    )
    if "padding_mode" in pad.fields:
        reader.fields["padding_mode"] = pad.fields["padding_mode"]


def _pairs(padding: Any, rank: int) -> Sequence[tuple[int, int]]:
    each = [padding] * rank if isinstance(padding, int) else padding
    return [(side, side) if isinstance(side, int) else tuple(side) for side in each]
