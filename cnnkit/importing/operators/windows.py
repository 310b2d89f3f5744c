"""The attributes that all sliding windows of ONNX share, as our fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.layers.shape import Shape


def scalar(values: Sequence[int]) -> int | list[int]:
    """One number, where it serves each axis."""
    values = [int(value) for value in values]
    return values[0] if len(set(values)) == 1 else values


def padding(before: Sequence[int], after: Sequence[int]) -> int | list[int] | list[list[int]]:
    """Cells before and after of each axis, as briefly as can be."""
    if min([*before, *after]) < 0:
        raise RefusedError("its padding is negative")
    if list(before) == list(after):
        return scalar(before)
    return [[int(a), int(b)] for a, b in zip(before, after, strict=True)]


def window(
    node: OperatorNode, extents: Shape, size: Sequence[int], size_field: str
) -> dict[str, Any]:
    """Size, stride, dilation and padding, each where it is not what ONNX takes for granted."""
    rank = len(extents)
    if len(size) != rank:
        raise RefusedError(f"its window of {list(size)} has not the {rank} axes of its input")
    strides = list(node.get("strides") or [1] * rank)
    dilations = list(node.get("dilations") or [1] * rank)
    fields: dict[str, Any] = {size_field: scalar(size)}
    if set(strides) != {1}:
        fields["stride"] = scalar(strides)
    if set(dilations) != {1}:
        fields["dilation"] = scalar(dilations)
    fields |= _padding(node, extents, size, strides, dilations)
    return fields


def _padding(
    node: OperatorNode,
    extents: Shape,
    size: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> dict[str, Any]:
    automatic = node.get("auto_pad", "NOTSET")
    if automatic == "SAME_UPPER":
        return {"padding": "same"}
    if automatic == "SAME_LOWER":
        before, after = [], []
        for extent, cells, stride, dilation in zip(extents, size, strides, dilations, strict=True):
            total = max(
                (-(-extent // stride) - 1) * stride + dilation * (cells - 1) + 1 - extent, 0
            )
            before.append(total - total // 2)
            after.append(total // 2)
    else:
        pads = list(node.get("pads") or []) if automatic == "NOTSET" else []
        pads = pads or [0] * (2 * len(extents))
        before, after = pads[: len(extents)], pads[len(extents) :]
    if not any([*before, *after]):
        return {}
    return {"padding": padding(before, after)}
