"""A `pad` before a convolution or a pool, as the layer's own padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.importing.graph import Operation, OperationGraph


def join_padding(graph: OperationGraph) -> None:
    """Joins each pad that one convolution or pool alone reads."""
    for number in list(graph.operations):
        pad = graph.operations[number]
        if pad.kind != "pad":
            continue
        reader = graph.only_reader(number)
        if reader is not None and _joins(pad, reader):
            _join(pad, reader, len(pad.shape) - 1)
            graph.bypass(number)
        elif "value" in pad.weights:
            message = f"node `{pad.node}` pads with {pad.weights['value']}"
            graph.refuse(pad, message, "near are pad, with zeros, and the padding of a max_pool")


def _joins(pad: Operation, reader: Operation) -> bool:
    """Whether a layer's own padding can hold the same cells."""
    if reader.kind == "pad":
        return all(each.fields.keys() <= {"padding"} and not each.weights for each in (pad, reader))
    if "channels" in pad.fields or reader.fields.get("padding") in ("same", "causal"):
        return False
    if reader.kind == "max_pool":  # its padding never is the largest, as minus infinity is not
        return "value" in pad.weights
    if reader.kind == "mean_pool":  # its padding has zeros, which count where it says so
        return not {"padding_mode"} & set(pad.fields) and "padding" not in reader.fields
    padded = ("conv", "depthwise_conv", "locally_connected", "blur_pool")
    if reader.kind == "lp_pool":
        return not {"padding_mode", "value"} & {*pad.fields, *pad.weights}
    twice = "padding_mode" in pad.fields and reader.fields.get("padding", 0)
    return reader.kind in padded and "value" not in pad.weights and not twice


def _join(pad: Operation, reader: Operation, rank: int) -> None:
    added = _pairs(pad.fields.get("padding", 0), rank)
    own = _pairs(reader.fields.get("padding", 0), rank)
    total = [[a + c, b + d] for (a, b), (c, d) in zip(added, own, strict=True)]
    numbers = {cells for pair in total for cells in pair}
    even = all(before == after for before, after in total)
    reader.fields["padding"] = (
        numbers.pop() if len(numbers) == 1 else [pair[0] for pair in total] if even else total
    )
    if reader.kind == "mean_pool":
        reader.fields["count_padding"] = True
    if reader.kind == "blur_pool" and "padding_mode" not in pad.fields:
        reader.fields["padding_mode"] = "zeros"
    if "padding_mode" in pad.fields:
        reader.fields["padding_mode"] = pad.fields["padding_mode"]


def _pairs(padding: Any, rank: int) -> Sequence[tuple[int, int]]:
    each = [padding] * rank if isinstance(padding, int) else padding
    return [(side, side) if isinstance(side, int) else tuple(side) for side in each]
