"""Axes that are flattened, moved, cut, padded and stretched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import tensor
from cnnkit.importing.operators.builder import axis_of, constant
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import View, channels_last
from cnnkit.importing.operators.windows import padding, scalar

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator, Value


_MOST_SHOWN = 8


def integers(value: Value | None, what: str) -> list[int]:
    """The whole numbers of a constant."""
    return [int(number) for number in constant(value, what).reshape(-1)]


def _axes(node: OperatorNode, given: Given, position: int) -> list[int] | None:
    """The axes of an attribute, or, in later opsets, of an input."""
    if len(given) > position and given[position] is not None:
        return integers(given[position], "axes")
    axes: list[int] | None = node.get("axes")
    return axes


def reshape(node: OperatorNode, build: Builder, given: Given) -> View:
    """Reshape; the batch stays as it is."""
    view = tensor(given)
    old = view.whole(build.batch)
    shape = integers(given[1], "shape")
    if not node.get("allowzero", 0):
        shape = [
            old[i] if extent == 0 and i < len(old) else extent for i, extent in enumerate(shape)
        ]
    if shape.count(-1) == 1:
        rest = math.prod(extent for extent in shape if extent != -1)
        shape[shape.index(-1)] = math.prod(old) // rest if rest else 0
    if math.prod(shape) != math.prod(old):
        raise RefusedError(f"{shape} are not the elements of {list(old)}")
    return view.remade(shape, build.batch)


def flatten(node: OperatorNode, build: Builder, given: Given) -> View:
    """Flatten: two axes, of what is before an axis and from it on."""
    view = tensor(given)
    whole = view.whole(build.batch)
    axis = axis_of(node.get("axis", 1), len(whole))
    return view.remade([math.prod(whole[:axis]), math.prod(whole[axis:])], build.batch)


def squeeze(node: OperatorNode, build: Builder, given: Given) -> View:
    """Squeeze of axes of one cell."""
    view = tensor(given)
    whole = view.whole(build.batch)
    axes = _axes(node, given, 1)
    if axes is None:
        axes = [at for at, extent in enumerate(whole) if extent == 1 and at != view.batch]
    dropped = {axis_of(axis, len(whole)) for axis in axes}
    if any(whole[axis] != 1 for axis in dropped):
        raise RefusedError(f"it squeezes the axes {sorted(dropped)} of {list(whole)}")
    kept = [extent for at, extent in enumerate(whole) if at not in dropped]
    return view.remade(kept, build.batch)


def unsqueeze(node: OperatorNode, build: Builder, given: Given) -> View:
    """Unsqueeze: axes of one cell more."""
    view = tensor(given)
    axes = _axes(node, given, 1) or []
    rank = view.rank + len(axes)
    added = {axis_of(axis, rank) for axis in axes}
    rest = iter(view.whole(build.batch))
    extents = [1 if axis in added else next(rest) for axis in range(rank)]
    return view.remade(extents, build.batch)


def transpose(node: OperatorNode, build: Builder, given: Given) -> View:
    """Transpose."""
    view = tensor(given)
    order = node.get("perm") or list(range(view.rank))[::-1]
    if sorted(order) != list(range(view.rank)):
        raise RefusedError(f"it puts {view.rank} axes in the order {list(order)}")
    return view.moved(order, build.batch)


def shape(node: OperatorNode, build: Builder, given: Given) -> Array:
    """Shape: known here, as the batch is."""
    import numpy as np

    whole = np.asarray(tensor(given).whole(build.batch), np.int64)
    return whole[node.get("start", 0) : node.get("end", len(whole))]


def gather(node: OperatorNode, build: Builder, given: Given) -> View:
    """Gather of indices that follow one another, whose own axes come in the place of that one."""
    view = tensor(given)
    indices = constant(given[1], "indices")
    axis = axis_of(node.get("axis", 0), view.rank)
    if axis == view.batch and indices.size == 1 == build.batch:  # of one example that one
        others = [each for at, each in enumerate(view.listed_axes()) if at != axis]
        return view.listed(others, build.batch) if indices.ndim == 0 else view
    place = view.place(axis)
    extent = view.extents[place]
    each = [axis_of(int(index), extent) for index in indices.reshape(-1)]
    if not each or each != [*range(each[0], each[0] + len(each))]:
        said = str(indices.tolist()) if indices.size <= _MOST_SHOWN else f"of {len(each)} places"
        raise RefusedError(
            f"it takes the indices {said} of axis {axis}",
            "near is slice, of indices that follow one another",
        )
    made = build.sliced(node, view, place, each[0], each[-1] + 1)
    if indices.ndim == 1:
        return made
    whole = made.whole(build.batch)
    return made.remade([*whole[:axis], *indices.shape, *whole[axis + 1 :]], build.batch)


def split(node: OperatorNode, build: Builder, given: Given) -> list[View]:
    """Split along an axis, in parts of given sizes or of equal ones."""
    view = tensor(given)
    place = view.place(node.get("axis", 0))
    sizes = node.get("split")
    if len(given) > 1 and given[1] is not None:
        sizes = integers(given[1], "sizes")
    extent, parts = view.extents[place], node.outputs
    if sizes is None:
        each = -(-extent // parts)
        sizes = [min(each, extent - index * each) for index in range(parts)]
    if len(sizes) != parts:
        raise RefusedError(f"it makes {parts} parts of {len(sizes)} sizes")
    return [
        build.sliced(node, view, place, stop - size, stop)
        for stop, size in zip(accumulate(sizes), sizes, strict=True)
    ]


def cut(node: OperatorNode, build: Builder, given: Given) -> View:
    """Slice of any axes; of a map's borders it is a crop, of each second cell a pool of one."""
    view = tensor(given)
    known: list[Array | None] = [None]
    known += [None if value is None else constant(value, "bound") for value in given[1:]]
    cells = [[0, 0] for _ in view.extents[1:]]
    whole = view.whole(build.batch)
    borders = view.plain and len(whole) > 3
    for start, stop, axis, step in zip(*slices(node, known), strict=True):
        at = axis_of(axis, len(whole))
        first, last, _ = slice(start, stop).indices(whole[at])
        if step < 1 or (at == view.batch and (first, last, step) != (0, whole[at], 1)):
            raise RefusedError(
                f"it takes {start}:{stop}:{step} of axis {at}", "near are slice and crop"
            )
        if at == view.batch:
            continue
        place = view.place(at)
        if step > 1:
            view = _strided(node, build, build.sliced(node, view, place, first, last), place, step)
        elif borders and place:
            cells[place - 1] = [first, whole[at] - last]
        else:
            view = build.sliced(node, view, place, first, last)
    if any(map(any, cells)):
        before, after = zip(*cells, strict=True)
        source = build.tensor(node, view)
        return build.made(node, "crop", source, fields={"cells": padding(before, after)})
    return view


def _strided(node: OperatorNode, build: Builder, view: View, place: int, step: int) -> View:
    """The first cell of every so many along one of a view's axes: a pool of windows of one cell.

    Raises:
        RefusedError: It is no axis of a map.
    """
    axis, rank = view.axes[place], len(view.shape) - 1
    whole = channels_last(view.source, view.shape).axes[:-1]
    if not axis:
        return view
    if axis not in whole:
        raise RefusedError(
            f"it takes each {step} cells of {view.extents[place]} one, which are no axis of a map",
            "near are slice and crop",
        )
    along = whole.index(axis)
    strides = [step if each == along else 1 for each in range(rank)]
    fields = {"size": 1, "stride": scalar(strides)}
    number = build.apply(node, "max_pool", view.source, fields=fields)
    shape = build.graph.shape(number)
    axes = (*view.axes[:place], channels_last(number, shape).axes[along], *view.axes[place + 1 :])
    return View(number, shape, axes, view.batch)


def slices(
    node: OperatorNode, values: Sequence[Array | None]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """The starts, stops, axes and steps of a Slice: attributes before opset 10, inputs since."""
    given = [None if each is None else [int(n) for n in each.reshape(-1)] for each in values[1:5]]
    given += [None] * (4 - len(given))
    starts = given[0] if given[0] is not None else node.get("starts", [])
    stops = given[1] if given[1] is not None else node.get("ends", [])
    axes = given[2] or node.get("axes") or list(range(len(starts)))
    return starts, stops, axes, given[3] or [1] * len(starts)


def resize(node: OperatorNode, build: Builder, given: Given) -> View:
    """Upsample and Resize: the nearest cell by whole factors, or linear with half-pixel centres."""
    view = tensor(given)
    source = build.tensor(node, view)
    mode = node.get("mode", "nearest")
    where = node.get("coordinate_transformation_mode", "half_pixel")
    if node.operator == "Upsample":
        where = "asymmetric"
    rounding = node.get("nearest_mode", "round_prefer_floor")
    # Of whole factors each of these reads the cell that the output cell lies in.
    nearest = mode == "nearest" and (
        (where == "asymmetric" and (rounding == "floor" or node.operator == "Upsample"))
        or (where in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round"))
    )
    linear = mode == "linear" and where in ("half_pixel", "pytorch_half_pixel")
    if not nearest and not linear:
        raise RefusedError(
            f"it resizes by `{mode}` with `{where}`",
            "near is upsample, by the nearest cell or linear with half-pixel centres",
        )
    fields: dict[str, Any] = {"method": "linear"} if linear else {}
    larger = _larger(view, given) if linear else None
    if larger is not None:
        fields = {"size": larger, **fields}
    else:
        fields = {"factor": scalar(_factors(node, build, view, given)), **fields}
    return build.made(node, "upsample", source, fields=fields)


def _larger(view: View, given: Given) -> list[int] | None:
    """The extents that are asked for, where they are no multiples of those that there are."""
    if len(given) < 4 or given[3] is None:
        return None
    sizes = integers(given[3], "sizes")[2:]
    pairs = list(zip(sizes, view.extents[1:], strict=True))
    whole = all(size % extent == 0 for size, extent in pairs)
    return None if whole or any(size < extent for size, extent in pairs) else sizes


def _factors(node: OperatorNode, build: Builder, view: View, given: Given) -> list[int]:
    whole = (build.batch, *view.extents)
    scales: list[float] | None = node.get("scales")
    place = 1 if node.operator == "Upsample" or node.opset < 11 else 2
    if len(given) > place and given[place] is not None:
        scales = [float(each) for each in constant(given[place], "scales").reshape(-1)] or scales
    if len(given) > 3 and given[3] is not None:
        sizes = integers(given[3], "sizes")
        if len(sizes) == len(whole):
            scales = [size / extent for size, extent in zip(sizes, whole, strict=True)]
    if not scales:
        raise RefusedError("it does not say what each axis is scaled by", "near is upsample")
    if len(scales) != len(whole) or scales[:2] != [1, 1]:
        raise RefusedError(f"it scales the axes by {scales}", "near is upsample")
    if any(scale != int(scale) or scale < 1 for scale in scales):
        raise RefusedError(f"its factors are {scales[2:]}", "near is upsample, by whole factors")
    return [int(scale) for scale in scales[2:]]


def depth_to_space(node: OperatorNode, build: Builder, given: Given) -> View:
    """DepthToSpace in the order of TensorFlow, ``DCR``; that of PyTorch is a shuffle before it."""
    source = build.tensor(node, tensor(given))
    block = node.get("blocksize")
    groups = build.graph.shape(source)[-1] // block ** (len(build.graph.shape(source)) - 1)
    if node.get("mode", "DCR") != "DCR" and groups > 1:
        source = build.apply(node, "channel_shuffle", source, fields={"groups": groups})
    return build.made(node, "depth_to_space", source, fields={"block": block})


def space_to_depth(node: OperatorNode, build: Builder, given: Given) -> View:
    """SpaceToDepth, by default in the order of TensorFlow; the other is a shuffle behind it."""
    source = build.tensor(node, tensor(given))
    block = node.get("blocksize")
    number = build.apply(node, "space_to_depth", source, fields={"block": block})
    if node.get("mode", "DCR") == "DCR" or build.graph.shape(source)[-1] == 1:
        return build.view(number)
    groups = block ** (len(build.graph.shape(source)) - 1)
    return build.made(node, "channel_shuffle", number, fields={"groups": groups})


OPERATORS: dict[str, Operator] = {
    "DepthToSpace": depth_to_space,
    "Flatten": flatten,
    "Gather": gather,
    "Reshape": reshape,
    "Resize": resize,
    "Shape": shape,
    "Slice": cut,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
    "Upsample": resize,
}
