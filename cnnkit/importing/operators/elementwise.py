"""Arithmetic of two tensors, or of a tensor and constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.builder import axis_of
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator


def joined(kind: str) -> Operator:
    """An operator of any number of tensors."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        views = [value for value in given if isinstance(value, View)]
        if len(views) < len(given):
            raise RefusedError("it joins a constant to what depends on the input")
        return _joined(node, build, kind, views)

    return apply


def arithmetic(operator: str) -> Operator:
    """Add, Sub, Mul and Div: two tensors, or a constant a channel."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        left, right = given
        if isinstance(left, View) and isinstance(right, View):
            if operator in ("Sub", "Div"):
                word, by = (
                    ("differences", "subtract") if operator == "Sub" else ("quotients", "divide")
                )
                raise RefusedError(
                    f"`import` does not read {word} of two tensors",
                    f"the kind is merge, `by: {by}`: `--partial` leaves a place for it",
                )
            return _joined(node, build, "add" if operator == "Add" else "multiply", [left, right])
        return _with_constant(node, build, operator, left, right)

    return apply


def _with_constant(
    node: OperatorNode, build: Builder, operator: str, left: Any, right: Any
) -> View:
    import numpy as np

    if isinstance(right, View):
        view, value = right, left
        if operator == "Div":
            raise RefusedError("it divides a constant by a tensor")
    else:
        view, value = left, right
    if not isinstance(view, View) or value is None:
        raise RefusedError("an input of it is missing")
    values = _each_channel(view, value).astype(np.float64)
    kind = "channel_multiply" if operator in ("Mul", "Div") else "channel_add"
    weights = {"value": values}
    if operator == "Div":
        weights = {"value": 1 / values}
    if operator == "Sub":
        if view is right:
            minus = {"value": np.full_like(values, -1)}
            view = view.over(build.apply(node, "channel_multiply", view.source, weights=minus))
        else:
            weights = {"value": -values}
    return view.over(build.apply(node, kind, view.source, weights=weights))


def _each_channel(view: View, value: Array) -> Array:
    """A constant as one number, or one a channel.

    Raises:
        RefusedError: It differs along another axis.
    """
    import numpy as np

    rank = len(view.axes) + 1
    if value.size == 1:
        return value.reshape(())
    if value.ndim > rank:
        raise RefusedError(f"it joins a constant of {list(value.shape)}")
    shape = (1,) * (rank - value.ndim) + value.shape
    axis = view.channel_axis
    others = [extent for index, extent in enumerate(shape) if axis is None or index != axis + 1]
    if axis is None or any(extent != 1 for extent in others) or shape[axis + 1] != view.shape[-1]:
        if np.ptp(value) == 0:
            return np.asarray(value.reshape(-1)[0])
        raise RefusedError(
            f"it joins a constant of {list(value.shape)} that differs along other axes than the "
            "channels",
            "near are `bias` and scale, one value a channel",
        )
    return value.reshape(-1)


def _joined(node: OperatorNode, build: Builder, kind: str, views: list[View]) -> View:
    if all(view.axes == views[0].axes and view.shape == views[0].shape for view in views):
        number = build.apply(node, kind, *(view.source for view in views))
        return views[0].over(number)
    return build.made(node, kind, *(build.tensor(node, view) for view in views))


def concat(node: OperatorNode, build: Builder, given: Given) -> View:
    """Concat along the channels."""
    views = [value for value in given if isinstance(value, View)]
    if len(views) < len(given):
        raise RefusedError("it joins a constant to what depends on the input")
    axis = axis_of(node.get("axis", 1), len(views[0].axes) + 1)
    if any(view.channel_axis != axis - 1 for view in views):
        if len(views[0].axes) == 1 and axis == 1:
            return _concat_vectors(node, build, views)
        raise RefusedError(
            f"it joins along axis {axis} of {list(views[0].extents)}",
            "near is `merge: {by: concat}`, along the channels",
        )
    return build.made(node, "concat", *(build.tensor(node, view) for view in views))


def _concat_vectors(node: OperatorNode, build: Builder, views: list[View]) -> View:
    return build.made(node, "concat", *(build.tensor(node, view) for view in views))


OPERATORS: dict[str, Operator] = {
    "Add": arithmetic("Add"),
    "Concat": concat,
    "Div": arithmetic("Div"),
    "Max": joined("maximum"),
    "Mean": joined("mean"),
    "Mul": arithmetic("Mul"),
    "Sub": arithmetic("Sub"),
    "Sum": joined("add"),
}
