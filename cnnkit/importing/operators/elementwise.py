"""Arithmetic of two tensors, or of a tensor and constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import clipped, tensor
from cnnkit.importing.operators.builder import axis_of
from cnnkit.importing.operators.centring import centred, standardized
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.scores import added, scores_of
from cnnkit.importing.operators.view import View, laid_out

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator, Value

_JOINS = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}


def joined(kind: str) -> Operator:
    """An operator of any number of tensors."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        views = [value for value in given if isinstance(value, View)]
        constants = [value for value in given if not isinstance(value, View)]
        if constants and (kind not in _BOUNDS or len(views) != 1 or constants[0] is None):
            raise RefusedError("it joins a constant to what depends on the input")
        if constants:
            return _bounded(node, build, kind, views[0], constants)
        return views[0] if len(views) == 1 else _joined(node, build, kind, views)

    return apply


_BOUNDS = ("maximum", "minimum")


def _bounded(
    node: OperatorNode, build: Builder, kind: str, view: View, constants: Sequence[Value | None]
) -> View:
    """The maximum or minimum of a tensor and one number."""
    import numpy as np

    if any(value is None or isinstance(value, View) or value.size != 1 for value in constants):
        raise RefusedError("it joins a constant to what depends on the input", "near is Clip")
    numbers = [float(np.asarray(value).reshape(())) for value in constants]
    bounds = (max(numbers), None) if kind == "maximum" else (None, min(numbers))
    return clipped(node, build, view, *bounds)


def arithmetic(operator: str) -> Operator:
    """Add, Sub, Mul and Div: two tensors, or a constant a channel."""

    def apply(node: OperatorNode, build: Builder, given: Given) -> View:
        left, right = given
        if isinstance(left, View) and isinstance(right, View):
            if operator == "Mul" and left == right:
                return left.over(build.apply(node, "power", left.source))
            norm = {"Sub": centred, "Div": standardized}.get(operator)
            if norm is not None and (made := norm(node, build, left, right)) is not None:
                return made
            return _joined(node, build, _JOINS[operator], [left, right])
        return _with_constant(node, build, operator, left, right)

    return apply


def negative(node: OperatorNode, build: Builder, given: Given) -> View:
    """Neg: times -1."""
    import numpy as np

    return _with_constant(node, build, "Mul", tensor(given), np.asarray(-1.0))


def _with_constant(
    node: OperatorNode, build: Builder, operator: str, left: Any, right: Any
) -> View:
    import numpy as np

    if isinstance(right, View):
        view, value = right, left
        if operator == "Div":
            if value is None or value.size != 1:
                raise RefusedError("it divides constants by a tensor")
            view = view.over(build.apply(node, "power", view.source, fields={"exponent": -1.0}))
            operator = "Mul"
    else:
        view, value = left, right
    if not isinstance(view, View) or value is None:
        raise RefusedError("an input of it is missing")
    factor = operator in ("Mul", "Div")
    if not factor and (made := _to_scores(node, build, operator, view, value, left)) is not None:
        return made
    if not factor and _along_one(node, build, view, value, dry=True)[1] is None:
        if view is right and operator == "Sub":
            view = _with_constant(node, build, "Mul", view, np.asarray(-1.0))
            operator = "Add"
        return _at_positions(node, build, view, value if operator == "Add" else -value)
    view, each = _along_one(node, build, view, value)
    if each is None:
        raise RefusedError(
            f"it joins a constant of {list(value.shape)} that differs along other axes than the "
            "channels",
            "near are `bias` and scale, one value a channel",
        )
    values = each.astype(np.float64)
    weights = {"value": values}
    if operator == "Div":
        weights = {"value": 1 / values}
    if operator == "Sub":
        if view is right:
            minus = {"value": np.full_like(values, -1)}
            view = view.over(build.apply(node, "channel_multiply", view.source, weights=minus))
        else:
            weights = {"value": -values}
    kind = "channel_multiply" if factor else "channel_add"
    return view.over(build.apply(node, kind, view.source, weights=weights))


def _to_scores(
    node: OperatorNode, build: Builder, operator: str, view: View, value: Array, left: Any
) -> View | None:
    """A constant of each pair of positions that the scores of an attention get; None of others."""
    if scores_of(build, view) is None or (operator == "Sub" and left is not view):
        return None
    spread = _spread_over(view, value, build.batch)
    made = added(node, build, view, spread if operator == "Add" else -spread)
    if made is not None and (not build.origins or build.origins not in build.summands):
        build.summands.add(build.origins)
        build.graph.folded += value.size
    return made


def _along_one(
    node: OperatorNode, build: Builder, view: View, value: Array, *, dry: bool = False
) -> tuple[View, Array | None]:
    """A constant as one number or one a channel; that of another axis makes it the channels."""
    each = _each_channel(view, value, build.batch)
    if each is not None:
        return view, each
    spread = _spread_over(view, value, build.batch)
    along = [at for at, extent in enumerate(spread.shape) if extent > 1]
    if len(along) != 1 or spread.shape[along[0]] != view.extents[along[0]]:
        return view, None
    return view if dry else build.aligned(node, view, along[0]), spread.reshape(-1)


def _each_channel(view: View, value: Array, batch: int) -> Array | None:
    """A constant as one number, or one a channel; None where it differs along another axis.

    Raises:
        RefusedError: It has more axes than the tensor, or differs along the batch.
    """
    import numpy as np

    if value.size == 1:
        return value.reshape(())
    spread = _spread_over(view, value, batch)
    channels = len(view.shape) - 1
    along = [
        at
        for at, axis in enumerate(view.axes)
        if axis and {atom.axis for atom in axis} == {channels}
    ]
    extents = [view.extents[at] for at in along]
    others = [extent for at, extent in enumerate(spread.shape) if at not in along]
    if not along or max(others, default=1) > 1 or math.prod(extents) != view.shape[-1]:
        return np.asarray(value.reshape(-1)[0]) if np.ptp(value) == 0 else None
    index = np.zeros((), np.int64)
    for atom in (atom for at in along for atom in view.axes[at]):
        index = index[..., None] + np.arange(atom.size) * atom.stride
    each = np.broadcast_to(spread.reshape([spread.shape[at] for at in along]), extents)
    return np.asarray(each.reshape(-1)[np.argsort(index.reshape(-1))])


def _spread_over(view: View, value: Array, batch: int) -> Array:
    """A constant with an axis for each of a view's axes behind the batch.

    Raises:
        RefusedError: It has more axes than the tensor, or differs along the batch.
    """
    if value.ndim > view.rank:
        raise RefusedError(f"it joins a constant of {list(value.shape)}")
    value = value.reshape((1,) * (view.rank - value.ndim) + value.shape)
    if view.batch is None:
        return value
    first = value.take([0], axis=view.batch)
    if value.shape[view.batch] not in (1, batch) or (value != first).any():
        raise RefusedError("it joins a constant that differs along the batch")
    return first.squeeze(view.batch)


def _at_positions(node: OperatorNode, build: Builder, view: View, value: Array) -> View:
    """A sum with a constant for each position, or for each element."""
    import numpy as np

    value = _spread_over(view, value, build.batch)
    try:
        whole = np.broadcast_to(value, view.extents)
    except ValueError as error:
        raise RefusedError(
            f"it joins a constant of {list(value.shape)} to {list(view.extents)}"
        ) from error
    if len(view.shape) == 1:
        raise RefusedError(
            f"it joins a constant of {list(value.shape)} to a vector in another order",
            "near is the `bias` of a dense layer",
        )
    embedding = whole.reshape(-1)[view.order()].reshape(view.shape)
    build.graph.folded -= embedding.size - value.size
    weights = {"embedding": embedding.astype(np.float32)}
    return view.over(build.apply(node, "position_embedding", view.source, weights=weights))


def _joined(node: OperatorNode, build: Builder, kind: str, views: Sequence[View]) -> View:
    """A join of tensors of one shape, or of factors that are spread."""
    if all(view.axes == views[0].axes and view.shape == views[0].shape for view in views):
        number = build.apply(node, kind, *(view.source for view in views))
        return views[0].over(number)
    if all(view.batch == 0 and len(view.axes) == len(views[0].axes) for view in views) and all(
        view.channel_axis in (0, None) for view in views
    ):
        return build.made(node, kind, *(build.tensor(node, view) for view in views))
    rank = max(len(view.axes) for view in views)
    if len({view.batch is None for view in views}) > 1 or rank > 4:
        raise RefusedError(f"it joins tensors of {[list(view.extents) for view in views]}")
    padded = [_padded(view, rank) for view in views]
    if rank == 0:
        raise RefusedError("it joins single numbers")
    largest = max(padded, key=lambda view: (len(view.shape), sum(view.extents)))
    last = largest.channel_axis
    aligned = [build.aligned(node, view, rank - 1 if last is None else last) for view in padded]
    number = build.apply(node, kind, *(view.source for view in aligned))
    shape = build.graph.shape(number)
    whole = next((view for view in aligned if view.shape == shape), None)
    if whole is None:
        raise RefusedError(f"it spreads tensors of {[list(view.extents) for view in views]}")
    return whole.over(number)


def _padded(view: View, rank: int) -> View:
    """A view with axes of one cell ahead, as broadcasting puts them."""
    return View(view.source, view.shape, ((),) * (rank - len(view.axes)) + view.axes, view.batch)


def concat(node: OperatorNode, build: Builder, given: Given) -> View:
    """Concat along an axis; constants ahead of a sequence are class tokens."""
    views = [value for value in given if isinstance(value, View)]
    first = views[0]
    axis = axis_of(node.get("axis", 1), first.rank)
    if axis == first.batch and build.batch == 1:  # any axis of one cell was taken for the batch
        given = [value.alone() if isinstance(value, View) else value for value in given]
        views = [value for value in given if isinstance(value, View)]
        first = views[0]
    place = first.place(axis)
    if len(views) < len(given):
        return _class_tokens(node, build, given, place, views)
    if len(views) == 1:
        return first
    if all(_has_channels_at(view, place) for view in views) or (
        len(first.axes) == 1 and first.batch == 0
    ):
        return build.made(node, "concat", *(build.tensor(node, view) for view in views))
    last = first.channel_axis
    last = len(first.axes) - 1 if last is None else last
    aligned = [build.aligned(node, view, last, ones=True) for view in views]
    along = "channels" if place == last else place - (place > last)
    fields = {} if along == "channels" else {"axis": along}
    number = build.apply(node, "concat", *(view.source for view in aligned), fields=fields)
    return laid_out(number, build.graph.shape(number), len(first.axes), last, first.batch)


def _has_channels_at(view: View, place: int) -> bool:
    """Whether an axis is that of the channels, the first; of a map of one channel it is none."""
    return place == 0 and view.batch == 0 and (view.channel_axis == 0 or view.plain)


def _class_tokens(
    node: OperatorNode, build: Builder, given: Given, place: int, views: Sequence[View]
) -> View:
    """Constant vectors ahead of a sequence, each as a class token."""
    import numpy as np

    last = 1 - place  # of a sequence the other axis is that of the channels
    if len(views) != 1 or len(views[0].axes) != 2 or given[-1] is not views[0]:
        raise RefusedError(
            "it joins a constant to what depends on the input",
            "near is class_token, a vector ahead of a sequence",
        )
    view = build.aligned(node, views[0], last)
    for value in reversed(given[:-1]):
        tokens = np.moveaxis(_spread_over(view, np.asarray(value), build.batch), place, 0)
        for token in tokens[::-1]:
            weights = {"token": token.astype(np.float32)}
            number = build.apply(node, "class_token", view.source, weights=weights)
            view = laid_out(number, build.graph.shape(number), 2, last, view.batch)
    return view


OPERATORS: dict[str, Operator] = {
    "Add": arithmetic("Add"),
    "Concat": concat,
    "Div": arithmetic("Div"),
    "Max": joined("maximum"),
    "Mean": joined("mean"),
    "Min": joined("minimum"),
    "Mul": arithmetic("Mul"),
    "Neg": negative,
    "Sub": arithmetic("Sub"),
    "Sum": joined("add"),
}
