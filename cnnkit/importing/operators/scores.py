"""The products of queries with keys, in heads and, of a map that is cut so, in windows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from cnnkit.importing.graph import ADDED, SCORES, Operation, RefusedError
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import Atom, Axis, View, channels_last
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder

SCORES_ADVICE = (
    "near is attention: its `relative_bias` is a number for the distance of two positions, its "
    "`shift` keeps apart what comes into a window from both ends of the map"
)


def scores_of(build: Builder, view: View) -> Operation | None:
    """The scores that a view shows, whatever was added to them and they were multiplied by."""
    operation = build.graph.operations.get(view.source)
    while operation is not None and operation.kind in (ADDED, "channel_multiply"):
        operation = build.graph.operations.get(operation.inputs[0])
    return operation if operation is not None and operation.kind == SCORES else None


def axes_of_scores(shape: Shape) -> tuple[Axis, ...]:
    """The axes of [windows, heads, queries, keys], or without windows, of scores of a shape."""
    *ahead, queries, keys, heads = channels_last(0, shape).axes
    return (*ahead, heads, queries, keys)


def weighed(node: OperatorNode, build: Builder, view: View, place: int) -> View | None:
    """The softmax of scores over the keys; None of what is none."""
    if scores_of(build, view) is None or view.axes[place] != axes_of_scores(view.shape)[-1]:
        return None
    over = len(view.shape) - 2
    return view.over(build.apply(node, "softmax", view.source, fields={"over": over}))


def added(node: OperatorNode, build: Builder, view: View, value: Array) -> View | None:
    """Scores and a constant of each pair of positions; None of what is none.

    Args:
        node: The sum.
        build: The graph.
        view: The scores.
        value: With an axis for each of the view's axes behind the batch.

    Raises:
        RefusedError: It is no number for each pair of a query and a key.
    """
    import numpy as np

    if scores_of(build, view) is None or value.size == 1:
        return None
    whole = channels_last(0, view.shape).axes
    kept = [at for at, axis in enumerate(view.axes) if axis]
    others = [extent for at, extent in enumerate(value.shape) if at not in kept]
    if any(view.axes[at] not in whole for at in kept) or math.prod(others) > 1:
        return None
    if value.dtype.kind != "f":
        raise RefusedError("its mask is of truth values, not of numbers to add", SCORES_ADVICE)
    places = [whole.index(view.axes[at]) for at in kept]
    extents = [1] * len(view.shape)
    for at, place in zip(kept, places, strict=True):
        extents[place] = value.shape[at]
    ordered = value.reshape([value.shape[at] for at in kept]).transpose(np.argsort(places))
    each = ordered.reshape(extents)
    if each.shape[-3:-1] != view.shape[-3:-1]:
        raise RefusedError(
            f"it adds a constant of {list(value.shape)} to the scores of {view.shape[-3]} queries "
            f"and {view.shape[-2]} keys",
            SCORES_ADVICE,
        )
    operation = Operation(ADDED, (view.source,), {}, {"value": each}, node.scope, node.label)
    operation.origins = build.origins
    return view.over(build.graph.add(operation))


def parted(shape: Shape, window: Shape) -> tuple[Axis, Axis]:
    """The axis of the windows that a map is cut into, and that of the cells of each."""
    counts = [extent // size for extent, size in zip(shape[:-1], window, strict=True)]
    pairs = list(zip(counts, window, strict=True))
    windows = [Atom(axis, size, count) for axis, (count, size) in enumerate(pairs) if count > 1]
    cells = [Atom(axis, 1, size) for axis, (_, size) in enumerate(pairs) if size > 1]
    return tuple(windows), tuple(cells)


def windowed(view: View) -> Shape | None:
    """The extents of the windows that a view of a map has its positions in; None of all of them.

    Raises:
        RefusedError: The positions are not all of a tensor's, in its order or in windows.
    """
    if len(view.axes) == 4:
        sizes = {atom.axis: atom.size for atom in view.axes[2]}
        window = tuple(sizes.get(axis, 1) for axis in range(len(view.shape) - 1))
        if (view.axes[0], view.axes[2]) == parted(view.shape, window):
            return window
    else:
        whole = channels_last(view.source, view.shape).axes[:-1]
        if view.axes[1] == tuple(atom for axis in whole for atom in axis):
            return None
    raise RefusedError("it reads the positions of a map in another order", SCORES_ADVICE)


class AttentionWeights(NamedTuple):
    """What weighs the values: softmax(factor·scores + bias), of which training drops a part.

    Attributes:
        scores: The products of queries and keys.
        factor: What they are multiplied by.
        bias: What is added to them, in the order of their axes, where something is.
        rate: The part that is dropped.
    """

    scores: Operation
    factor: float
    bias: Array | None
    rate: float


def weights_of(build: Builder, view: View) -> AttentionWeights | None:
    """The scores that a softmax makes the weights of, and what it makes them with."""
    operation = build.graph.operations.get(view.source)
    rate, factor, soft = 0.0, 1.0, False
    bias: Array | None = None
    while operation is not None:
        if operation.kind == SCORES:
            return AttentionWeights(operation, factor, bias, rate) if soft else None
        if operation.kind == "dropout" and not soft:
            rate = operation.fields["rate"]
        elif operation.kind == "softmax" and not soft:
            if operation.fields.get("over") != len(operation.shape) - 2:
                return None
            soft = True
        elif operation.kind == ADDED and soft:
            value = operation.weights["value"] * factor
            bias = value if bias is None else bias + value
        elif operation.kind == "channel_multiply" and soft:
            value = operation.weights["value"]
            if value.size != 1:
                return None
            factor *= float(value.reshape(()))
        else:
            return None
        operation = build.graph.operations.get(operation.inputs[0])
    return None
