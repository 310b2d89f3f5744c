"""Pools of windows, and of the whole map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import ours, tensor
from cnnkit.importing.operators.builder import axis_of, constant, spatial
from cnnkit.importing.operators.elementwise import negative
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import Atom, Axis, View, channels_last
from cnnkit.importing.operators.windows import window

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Builder, Given, Made, Operator


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


def lp_pool(node: OperatorNode, build: Builder, given: Given) -> View:
    """LpPool, of a whole power."""
    source, fields = _pool(node, build, given)
    power = node.get("p", 2)
    if power != 2:
        fields["p"] = power
    return build.made(node, "lp_pool", source, fields=fields)


_GLOBAL = {"mean": "global_mean_pool", "max": "global_max_pool"}


def reduced(by: str) -> Operator:
    """ReduceMean, ReduceMax, ReduceSum and ReduceL2; over all of a map the first are global pools.

    Of the axes the batch is none.
    """

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        value = tensor(given)
        axes = node.get("axes")
        if len(given) > 1 and given[1] is not None:
            axes = [int(axis) for axis in constant(given[1], "axes").reshape(-1)]
        if not axes and node.get("noop_with_empty_axes", 0):
            return value
        whole = value.whole(build.batch)
        over = {axis_of(axis, len(whole)) for axis in axes or range(len(whole))}
        places = [value.place(axis) for axis in sorted(over)]
        kept = [1 if at in over else extent for at, extent in enumerate(whole)]
        if not node.get("keepdims", 1):
            kept = [extent for at, extent in enumerate(whole) if at not in over]
        return reduced_to_one(node, build, value, places, by).remade(kept, build.batch)

    return apply


def reduced_to_one(
    node: OperatorNode, build: Builder, value: View, places: list[int], by: str
) -> View:
    """The view with axes that are made one value each, of one cell."""
    channels = value.channel_axis
    spatial_axes = [at for at in range(len(value.axes)) if at != channels]
    if channels is not None and places == spatial_axes and by in _GLOBAL and len(value.shape) > 1:
        number = build.apply(node, _GLOBAL[by], value.source, fields={"keep_axes": True})
        axes = tuple(axis if at == channels else () for at, axis in enumerate(value.axes))
        return View(number, build.graph.shape(number), axes, value.batch)
    if by == "max" and (pieces := _pieces(value, places)):
        number = build.apply(node, "maxout", value.source, fields={"pieces": pieces})
        channels_left = channels_last(number, build.graph.shape(number)).axes[-1]
        axes = tuple(
            () if at in places else channels_left if _is_channels(value, axis) else axis
            for at, axis in enumerate(value.axes)
        )
        return View(number, build.graph.shape(number), axes, value.batch)
    value = build.aligned(node, value)
    over = [ours(value, place) for place in places]
    fields: dict[str, Any] = {"over": over[0] if len(over) == 1 else over}
    if by != "mean":
        fields["by"] = by
    number = build.apply(node, "reduce", value.source, fields=fields)
    axes = tuple(() if at in places else axis for at, axis in enumerate(value.axes))
    return View(number, build.graph.shape(number), axes, value.batch)


def _pieces(value: View, places: Sequence[int]) -> int:
    """How many neighbouring channels each of the axes that are reduced is of; 0 of any others."""
    ours = len(value.shape) - 1
    if len(places) != 1 or len(value.axes[places[0]]) != 1:
        return 0
    (atom,) = value.axes[places[0]]
    rest = (Atom(ours, atom.size, value.shape[-1] // atom.size),)
    neighbours = (atom.axis, atom.stride) == (ours, 1) and rest in value.axes
    return atom.size if neighbours else 0


def _is_channels(value: View, axis: Axis) -> bool:
    return bool(axis) and axis[0].axis == len(value.shape) - 1


def least(node: OperatorNode, build: Builder, given: Given) -> Made:
    """ReduceMin: the maximum of what is times -1, times -1."""
    turned = negative(node, build, given)
    most = reduced("max")(node, build, [turned, *given[1:]])
    return negative(node, build, [most] if isinstance(most, View) else [])


def sum_of_squares(node: OperatorNode, build: Builder, given: Given) -> Made:
    """ReduceSumSquare: squares, then their sum."""
    value = tensor(given)
    squares = value.over(build.apply(node, "power", value.source))
    return reduced("sum")(node, build, [squares, *given[1:]])


OPERATORS: dict[str, Operator] = {
    "AveragePool": average_pool,
    "GlobalAveragePool": global_pool("global_mean_pool"),
    "GlobalMaxPool": global_pool("global_max_pool"),
    "LpPool": lp_pool,
    "MaxPool": max_pool,
    "ReduceL2": reduced("norm"),
    "ReduceMax": reduced("max"),
    "ReduceMean": reduced("mean"),
    "ReduceMin": least,
    "ReduceSum": reduced("sum"),
    "ReduceSumSquare": sum_of_squares,
}
