"""Windows of a map whose positions attend to each other: how far they are moved, what is added.

A map that is rolled is two parts of it joined in the other order. What is added to the scores of
the rolled map are a number for the distance of two positions, and what keeps positions apart that
were at both ends of the map (Liu et al., 2021, "Swin Transformer").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.importing.graph import Operation, OperationGraph, RefusedError
from cnnkit.importing.operators.scores import SCORES_ADVICE
from cnnkit.layers.shape import Shape

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

_APART = -99.0
"""What is added at most to the scores of positions that are kept apart; Swin's own code adds -100,
which leaves e^-100 of their weight."""


class Rolled(NamedTuple):
    """A map that is rolled along its axes.

    Attributes:
        source: The operation whose tensor it is.
        cells: How many cells the map begins later, along each of its axes.
    """

    source: int
    cells: Shape


def unrolled(graph: OperationGraph, number: int) -> Rolled:
    """What a tensor is that is rolled, maybe along several axes, or not at all."""
    extents = graph.shape(number)[:-1]
    cells = [0] * len(extents)
    while (roll := _roll(graph, number)) is not None:
        number, axis, cut = roll
        cells[axis] = (cells[axis] + cut) % extents[axis]
    return Rolled(number, tuple(cells))


def rolled(graph: OperationGraph, number: int) -> int:
    """The last operation that rolls a tensor which nothing else reads; else its own."""
    while True:
        readers = [at for at, each in graph.operations.items() if number in each.inputs]
        joins = {at for each in readers for at in _readers(graph, each)}
        if len(readers) != 2 or len(joins) != 1 or number in graph.ends:
            return number
        (join,) = joins
        roll = _roll(graph, join)
        if roll is None or roll[0] != number or graph.ends.intersection(readers):
            return number
        number = join


def _readers(graph: OperationGraph, number: int) -> list[int]:
    return [at for at, each in graph.operations.items() if number in each.inputs]


def _roll(graph: OperationGraph, number: int) -> tuple[int, int, int] | None:
    """The tensor that one is, rolled along one axis, the axis and where it is cut."""
    join = graph.operations.get(number)
    if join is None or join.kind != "concat" or len(join.inputs) != 2:
        return None
    axis = join.fields.get("axis", "channels")
    parts = [graph.operations.get(each) for each in join.inputs]
    sources = {part.inputs for part in parts if part is not None}
    if None in parts or axis == "channels" or len(sources) != 1:
        return None
    ((source,),) = sources
    extent = graph.shape(source)[axis]
    bounds = [_bounds(part, axis, graph.shape(source)) for part in parts if part is not None]
    if None in bounds or bounds[0] is None or bounds != [(bounds[0][0], extent), (0, bounds[0][0])]:
        return None
    return source, axis, bounds[0][0]


def _bounds(part: Operation, axis: int, shape: Shape) -> tuple[int, int] | None:
    """The first cell of a part of a tensor along one axis, and the one behind its last."""
    whole = shape[axis]
    if part.kind == "slice" and part.fields.get("axis") == axis:
        return part.fields.get("start", 0), part.fields.get("stop", whole)
    if part.kind == "crop" and all(
        ours == theirs
        for at, (ours, theirs) in enumerate(zip(part.shape, shape, strict=True))
        if at != axis
    ):
        before = _before(part.fields["cells"], axis)
        return before, before + part.shape[axis]
    return None


def _before(cells: Any, axis: int) -> int:
    """The cells that a crop takes off ahead, of one number, one an axis, or a pair for each."""
    each = cells[axis] if isinstance(cells, list | tuple) else cells
    before = each[0] if isinstance(each, list | tuple) else each
    return int(before)


def relative_bias(bias: Array, extents: Shape, window: Shape, shift: Shape) -> Array:
    """The numbers of the distances of two positions that a constant adds to their scores.

    Args:
        bias: What is added to the scores, [windows or 1, queries, keys, heads or 1].
        extents: Of the map.
        window: The extents of a window.
        shift: How many cells the windows are moved by.

    Returns:
        [2·window - 1, …, heads], as our ``relative_bias`` is; the distance is that of the query
        from the key.

    Raises:
        RefusedError: Something else is added, or what the shift brings together is not kept apart.
    """
    import numpy as np

    cells = np.indices(window).reshape(len(window), -1)
    apart = cells[:, :, None] - cells[:, None, :]
    places = tuple(each + size - 1 for each, size in zip(apart, window, strict=True))
    table = np.zeros((*(2 * size - 1 for size in window), bias.shape[-1]), bias.dtype)
    table[places] = bias[0]  # the first window is of one part of the map
    if not np.isfinite(table).all() or table.min() <= _APART:
        raise RefusedError(
            "what it adds to its scores keeps positions apart, as a mask does", SCORES_ADVICE
        )
    rest = bias - table[places]
    together = _together(extents, window, shift)[..., None]
    if np.where(together, rest, 0).any():
        raise RefusedError(
            "what it adds to its scores is no number for the distance of two positions",
            SCORES_ADVICE,
        )
    if np.where(together, -np.inf, rest).max() > _APART:
        raise RefusedError(
            "it does not keep apart what comes into a window from both ends of the map",
            SCORES_ADVICE,
        )
    return table


def _together(extents: Shape, window: Shape, shift: Shape) -> Array:
    """Whether two positions of a window are of one part of the map, [windows, cells, cells]."""
    import numpy as np

    parts = np.zeros(extents, int)
    for axis, (extent, moved) in enumerate(zip(extents, shift, strict=True)):
        late = np.arange(extent) >= extent - moved
        parts = 2 * parts + late.reshape([-1 if axis == at else 1 for at in range(len(extents))])
    pairs = [
        each
        for extent, size in zip(extents, window, strict=True)
        for each in (extent // size, size)
    ]
    order = (*range(0, len(pairs), 2), *range(1, len(pairs), 2))
    parts = parts.reshape(pairs).transpose(order).reshape(-1, math.prod(window))
    together: Array = parts[:, :, None] == parts[:, None, :]
    return together
