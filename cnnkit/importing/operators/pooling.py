"""Pools of windows, and of the whole map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.builder import axis_of, constant, spatial
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import View
from cnnkit.importing.operators.windows import window

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Builder, Given, Operator


def max_pool(node: OperatorNode, build: Builder, given: Given) -> View:
    """MaxPool."""
    if node.outputs > 1:
        raise RefusedError("it gives the places of the maxima, too")
    source, fields = _pool(node, build, given)
    return build.made(node, "max_pool", source, fields=fields)


def average_pool(node: OperatorNode, build: Builder, given: Given) -> View:
    """AveragePool; over the whole map it is a global one."""
    source, fields = _pool(node, build, given)
    counted = bool(node.get("count_include_pad", 0)) and "padding" in fields
    if fields.get("dilation"):
        raise RefusedError("it averages a window with holes")
    shape = build.graph.shape(source)
    if not counted and _reads_all(shape, node):
        return build.made(node, "global_mean_pool", source, fields={"keep_axes": True})
    if counted:
        fields["count_padding"] = True
    return build.made(node, "mean_pool", source, fields=fields)


def _reads_all(shape: tuple[int, ...], node: OperatorNode) -> bool:
    """Whether the one window there is covers the map, whatever padding is beside it."""
    size = node.get("kernel_shape") or []
    rank = len(shape) - 1
    pads = list(node.get("pads") or [0] * 2 * rank)
    strides = list(node.get("strides") or [1] * rank)
    return node.get("auto_pad", "NOTSET") in ("NOTSET", "VALID") and all(
        before + extent <= cells and before + extent + after - cells < stride
        for extent, cells, before, after, stride in zip(
            shape[:-1], size, pads[:rank], pads[rank:], strides, strict=True
        )
    )


def _pool(node: OperatorNode, build: Builder, given: Given) -> tuple[int, dict[str, Any]]:
    source = build.channels(node, given[0])
    extents = spatial(build.graph.shape(source))
    fields = window(node, extents, node.get("kernel_shape") or [], "size")
    size = fields["size"]
    if fields.get("stride", 1) == size:
        fields.pop("stride", None)  # it is what a pool takes for granted
    elif "stride" not in fields:
        fields["stride"] = 1
    if node.get("ceil_mode", 0):
        fields["rounding"] = "ceil"
    return source, fields


def global_pool(kind: str) -> Operator:
    """GlobalAveragePool and GlobalMaxPool keep the axes."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        source = build.channels(node, given[0])
        return build.made(node, kind, source, fields={"keep_axes": True})

    return apply


def reduced(kind: str) -> Operator:
    """ReduceMean and ReduceMax over all spatial axes."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        value = given[0]
        if not isinstance(value, View):
            raise RefusedError("it reads a constant where a tensor of the network belongs")
        axes = node.get("axes")
        if len(given) > 1 and given[1] is not None:
            axes = [int(axis) for axis in constant(given[1], "axes").reshape(-1)]
        rank = len(value.axes) + 1
        over = {axis_of(axis, rank) for axis in axes or range(rank)}
        channels = value.channel_axis
        wanted = set(range(1, rank)) - {channels + 1 if channels is not None else -1}
        if channels is None or over != wanted or len(value.axes) != len(value.shape):
            raise RefusedError(
                f"it reduces the axes {sorted(over)}", f"near is {kind}, over all spatial axes"
            )
        keep = bool(node.get("keepdims", 1))
        made = build.made(node, kind, value.source, fields={"keep_axes": True})
        if not keep:
            return View(made.source, made.shape, made.axes[:1])
        axes_kept = [made.axes[0] if index == channels else () for index in range(rank - 1)]
        return View(made.source, made.shape, tuple(axes_kept))

    return apply


OPERATORS: dict[str, Operator] = {
    "AveragePool": average_pool,
    "GlobalAveragePool": global_pool("global_mean_pool"),
    "GlobalMaxPool": global_pool("global_max_pool"),
    "MaxPool": max_pool,
    "ReduceMax": reduced("global_max_pool"),
    "ReduceMean": reduced("global_mean_pool"),
}
