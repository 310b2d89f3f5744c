"""Targets with the extents of a map, brought to those of what a network gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from numpy.typing import NDArray

from cnnkit.analysis import analyze
from cnnkit.analysis.receptive_field import receptive_fields
from cnnkit.errors import Finding, SpecError
from cnnkit.layers.shape import Shape, show
from cnnkit.spec.graph import INPUT
from cnnkit.spec.model.spec import Spec
from cnnkit.tasks.task import IGNORED
from cnnkit.training.compute.inputs import scaled

AnyArray = TypeVar("AnyArray", Array, NDArray[Any])


class Grid(NamedTuple):
    """Where the cells of an output lie on the target.

    Attributes:
        extents: How many there are along each axis; none of a vector.
        strides: How far two neighbours are apart, in cells of the target.
    """

    extents: Shape
    strides: Shape


OF_VECTOR: Final = Grid((), ())
"""That of an output without spatial extents."""


def grids_of(spec: Spec) -> tuple[dict[str, Grid], tuple[Grid, ...]]:
    """The grid of each output of a network by its name, and those of its side outputs."""
    graph = analyze(spec).graph
    fields, _ = receptive_fields(graph)

    def grid(node: int) -> Grid:
        extents = (graph.shape(node) or ())[:-1]
        found = fields[node] if node > INPUT else None
        strides = (1,) * len(extents)
        if found is not None and len(found) == len(extents):
            strides = tuple(max(1, round(each.stride)) for each in found)
        return Grid(extents, strides)

    named = {name: grid(node) for name, node in graph.outputs.items()}
    return named, tuple(grid(node) for node, _ in graph.sides)


MASKS: Final = ""
"""The name of the classes of pixels where their weights stand beside them; no output has it."""
PIXEL_WEIGHTS: Final = "weights"
"""The name of those weights, float16 ``[N, *spatial, 1]``: what is added to that of the class."""


def parted(targets: Any) -> tuple[Any, Array | None]:
    """Targets, and the weights of pixels that stand beside them, ``[N, *spatial, 1]``, or None."""
    if isinstance(targets, Mapping) and MASKS in targets:
        return targets[MASKS], targets[PIXEL_WEIGHTS]
    return targets, None


def of_classes(targets: Array) -> bool:
    """Whether targets are classes, int ``[N]`` or ``[N, *spatial]``, and not numbers."""
    return bool(jnp.issubdtype(targets.dtype, jnp.integer))


def aimed(targets: Any) -> Any:
    """Targets as they are compared with: images of bytes as 0 to 1, all others as they are.

    Of several outputs each, by its name. What is kept in float16 to be small becomes float32.
    """

    def one(each: Array) -> Array:
        if each.dtype == jnp.float16:
            return each.astype(jnp.float32)
        return scaled(each) if each.dtype == jnp.uint8 else each

    return jax.tree.map(one, targets)


def counted(targets: Array) -> Array:
    """Which pixels of classes ``[N, *spatial]`` count, bool."""
    return targets != IGNORED


def on_grid(targets: AnyArray, grid: Grid) -> AnyArray:
    """Targets at the cells of an output, the middle of the target where it gives less.

    So a network without padding, whose output is smaller than its input, is asked for what it sees
    as a whole (Ronneberger et al., 2015).

    Args:
        targets: Classes ``[N, *spatial]``, or numbers ``[N, *spatial, C]``, of JAX or of NumPy.
        grid: That of the output.

    Raises:
        SpecError: The output has more cells than the target.
    """
    given = targets.shape[1 : 1 + len(grid.extents)]
    if given == grid.extents:
        return targets
    spans = [(count - 1) * step + 1 for count, step in zip(*grid, strict=True)]
    if len(given) < len(spans) or any(a < b for a, b in zip(given, spans, strict=True)):
        message = (
            f"the targets have the extents {show(given)}, and an output of the network has "
            f"{show(grid.extents)}"
        )
        advice = "give both the same extents, or the output less"
        raise SpecError([Finding("wrong-value", "error", message, advice)])
    starts = [(whole - span) // 2 for whole, span in zip(given, spans, strict=True)]
    cells: Any = [slice(None)]
    for start, span, step in zip(starts, spans, grid.strides, strict=True):
        cells.append(slice(start, start + span, step))
    found: AnyArray = targets[tuple(cells)]
    return found
