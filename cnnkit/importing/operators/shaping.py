"""Axes that are flattened, moved, cut, padded and stretched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import tensor
from cnnkit.importing.operators.builder import axis_of, constant
from cnnkit.importing.operators.node import Node
from cnnkit.importing.operators.view import View
from cnnkit.importing.operators.windows import padding, scalar

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator, Value


def _integers(value: Value | None, what: str) -> list[int]:
    return [int(number) for number in constant(value, what).reshape(-1)]


def _axes(node: Node, given: Given, position: int) -> list[int] | None:
    """The axes of an attribute, or, in later opsets, of an input."""
    if len(given) > position and given[position] is not None:
        return _integers(given[position], "axes")
    axes: list[int] | None = node.get("axes")
    return axes


def reshape(node: Node, build: Builder, given: Given) -> View:
    """Reshape; the batch stays as it is."""
    view = tensor(given)
    old = (build.batch, *view.extents)
    shape = _integers(given[1], "shape")
    if not node.get("allowzero", 0):
        shape = [
            old[i] if extent == 0 and i < len(old) else extent for i, extent in enumerate(shape)
        ]
    if shape.count(-1) == 1:
        rest = math.prod(extent for extent in shape if extent != -1)
        shape[shape.index(-1)] = math.prod(old) // rest if rest else 0
    if not shape or shape[0] != build.batch or math.prod(shape) != math.prod(old):
        raise RefusedError(f"it makes {shape} of {list(old)}: the batch does not stay apart")
    return view.reshaped(shape[1:])


def flatten(node: Node, build: Builder, given: Given) -> View:
    """Flatten of all but the batch."""
    del build
    view = tensor(given)
    axis = axis_of(node.get("axis", 1), len(view.axes) + 1)
    if axis != 1 and math.prod(view.extents[: axis - 1]) != 1:
        raise RefusedError(f"it flattens from axis {axis} on", "near is flatten, all but the batch")
    return view.reshaped([math.prod(view.extents)])


def squeeze(node: Node, build: Builder, given: Given) -> View:
    """Squeeze of axes of one cell."""
    view = tensor(given)
    rank = len(view.axes) + 1
    axes = _axes(node, given, 1)
    if axes is None:
        axes = [index + 1 for index, extent in enumerate(view.extents) if extent == 1]
    dropped = {axis_of(axis, rank) for axis in axes}
    if 0 in dropped or any(view.extents[axis - 1] != 1 for axis in dropped):
        raise RefusedError(
            f"it squeezes the axes {sorted(dropped)} of {[build.batch, *view.extents]}"
        )
    kept = [extent for index, extent in enumerate(view.extents) if index + 1 not in dropped]
    return view.reshaped(kept)


def unsqueeze(node: Node, build: Builder, given: Given) -> View:
    """Unsqueeze: axes of one cell more."""
    del build
    view = tensor(given)
    axes = _axes(node, given, 1) or []
    rank = len(view.axes) + 1 + len(axes)
    added = {axis_of(axis, rank) for axis in axes}
    if 0 in added:
        raise RefusedError("it puts an axis before the batch")
    rest = iter(view.extents)
    return view.reshaped([1 if axis in added else next(rest) for axis in range(1, rank)])


def transpose(node: Node, build: Builder, given: Given) -> View:
    """Transpose of the axes behind the batch."""
    del build
    view = tensor(given)
    order = node.get("perm") or list(range(len(view.axes) + 1))[::-1]
    if not order or order[0] != 0 or sorted(order) != list(range(len(view.axes) + 1)):
        raise RefusedError(f"it puts the axes in the order {list(order)}: the batch does not stay")
    return view.transposed([axis - 1 for axis in order[1:]])


def shape(node: Node, build: Builder, given: Given) -> Array:
    """Shape: known here, as the batch is."""
    import numpy as np

    whole = np.asarray((build.batch, *tensor(given).extents), np.int64)
    return whole[node.get("start", 0) : node.get("end", len(whole))]


def pad(node: Node, build: Builder, given: Given) -> View:
    """Pad of the spatial axes, and of the channels with zeros."""
    view = tensor(given)
    source = build.tensor(node, view)
    pads = node.get("pads")
    if len(given) > 1 and given[1] is not None:
        pads = _integers(given[1], "padding")
    mode = node.get("mode", "constant")
    modes = {"constant": "zeros", "reflect": "reflect", "edge": "edge", "wrap": "circular"}
    value = node.get("value", 0.0)
    if len(given) > 2 and given[2] is not None:
        value = float(constant(given[2], "value").reshape(()))
    rank = len(view.axes) + 1
    if mode not in modes or not pads or len(pads) != 2 * rank or len(given) > 3:
        raise RefusedError(f"it pads in a way that no kind says: `{mode}`, {pads}")
    before, after = pads[:rank], pads[rank:]
    if min(pads) < 0 or before[0] or after[0] or (mode == "constant" and value):
        raise RefusedError(f"it pads with {value}, by {pads}", "near are pad, with zeros, and crop")
    if not any(pads):
        return view
    fields: dict[str, Any] = {}
    if any([*before[2:], *after[2:]]):
        fields["padding"] = padding(before[2:], after[2:])
    if before[1] or after[1]:
        fields["channels"] = scalar([before[1], after[1]])
    if modes[mode] != "zeros":
        fields["padding_mode"] = modes[mode]
    return build.made(node, "pad", source, fields=fields)


def split(node: Node, build: Builder, given: Given) -> list[Value]:
    """Split of the channels."""
    view = tensor(given)
    source = build.tensor(node, view)
    axis = axis_of(node.get("axis", 0), len(view.axes) + 1)
    sizes = node.get("split")
    if len(given) > 1 and given[1] is not None:
        sizes = _integers(given[1], "sizes")
    if axis != 1:
        raise RefusedError(f"it splits axis {axis}", "near is slice, of one part")
    channels, parts = view.shape[-1], node.outputs
    if sizes is None:
        each = -(-channels // parts)
        sizes = [min(each, channels - index * each) for index in range(parts)]
    starts = [sum(sizes[:index]) for index in range(parts)]
    return [
        _channels(node, build, source, start, start + size)
        for start, size in zip(starts, sizes, strict=True)
    ]


def cut(node: Node, build: Builder, given: Given) -> View:
    """Slice of the channels, or of the borders of the map."""
    view = tensor(given)
    known: list[Array | None] = [None]
    known += [None if value is None else constant(value, "bound") for value in given[1:]]
    source = build.tensor(node, view)
    cells = [[0, 0] for _ in view.extents[1:]]
    for start, stop, axis, step in zip(*slices(node, known), strict=True):
        place = axis_of(axis, len(view.axes) + 1)
        extent = (build.batch, *view.extents)[place]
        first, last, _ = slice(start, stop).indices(extent)
        if step != 1 or (place == 0 and (first, last) != (0, extent)):
            raise RefusedError(
                f"it takes {start}:{stop}:{step} of axis {place}", "near are slice and crop"
            )
        if place == 1:
            source = _channels(node, build, source, first, last).source
        elif place > 1:
            cells[place - 2] = [first, extent - last]
    if any(map(any, cells)):
        before, after = zip(*cells, strict=True)
        source = build.apply(node, "crop", source, fields={"cells": padding(before, after)})
    return build.view(source)


def slices(
    node: Node, values: Sequence[Array | None]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """The starts, stops, axes and steps of a Slice: attributes before opset 10, inputs since."""
    given = [None if each is None else [int(n) for n in each.reshape(-1)] for each in values[1:5]]
    given += [None] * (4 - len(given))
    starts = given[0] if given[0] is not None else node.get("starts", [])
    stops = given[1] if given[1] is not None else node.get("ends", [])
    axes = given[2] or node.get("axes") or list(range(len(starts)))
    return starts, stops, axes, given[3] or [1] * len(starts)


def _channels(node: Node, build: Builder, source: int, start: int, stop: int) -> View:
    channels = build.graph.shape(source)[-1]
    if (start, stop) == (0, channels):
        return build.view(source)
    fields: dict[str, Any] = {"axis": "channels"}
    if start:
        fields["start"] = start
    if stop < channels:
        fields["stop"] = stop
    return build.made(node, "slice", source, fields=fields)


def resize(node: Node, build: Builder, given: Given) -> View:
    """Upsample and Resize: the nearest cell by whole factors, or linear with half-pixel centres."""
    view = tensor(given)
    source = build.tensor(node, view)
    mode = node.get("mode", "nearest")
    where = node.get("coordinate_transformation_mode", "half_pixel")
    if node.operator == "Upsample":
        where = "asymmetric"
    rounding = node.get("nearest_mode", "round_prefer_floor")
    # Of whole factors both read the cell that the output cell lies in.
    nearest = mode == "nearest" and (
        (where == "asymmetric" and (rounding == "floor" or node.operator == "Upsample"))
        or (where in ("half_pixel", "pytorch_half_pixel"))
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
    sizes = _integers(given[3], "sizes")[2:]
    pairs = list(zip(sizes, view.extents[1:], strict=True))
    whole = all(size % extent == 0 for size, extent in pairs)
    return None if whole or any(size < extent for size, extent in pairs) else sizes


def _factors(node: Node, build: Builder, view: View, given: Given) -> list[int]:
    whole = (build.batch, *view.extents)
    scales: list[float] | None = node.get("scales")
    place = 1 if node.operator == "Upsample" or node.opset < 11 else 2
    if len(given) > place and given[place] is not None:
        scales = [float(each) for each in constant(given[place], "scales").reshape(-1)] or scales
    if len(given) > 3 and given[3] is not None:
        sizes = _integers(given[3], "sizes")
        if len(sizes) == len(whole):
            scales = [size / extent for size, extent in zip(sizes, whole, strict=True)]
    if not scales or len(scales) != len(whole) or scales[:2] != [1, 1]:
        raise RefusedError(f"it scales the axes by {scales}", "near is upsample")
    if any(scale != int(scale) or scale < 1 for scale in scales):
        raise RefusedError(f"its factors are {scales[2:]}", "near is upsample, by whole factors")
    return [int(scale) for scale in scales[2:]]


def depth_to_space(node: Node, build: Builder, given: Given) -> View:
    """DepthToSpace in the order of TensorFlow, ``DCR``."""
    if node.get("mode", "DCR") != "DCR":
        raise RefusedError(
            "it takes the channels before the block, `CRD`", "near is depth_to_space, `DCR`"
        )
    source = build.tensor(node, tensor(given))
    return build.made(node, "depth_to_space", source, fields={"block": node.get("blocksize")})


def space_to_depth(node: Node, build: Builder, given: Given) -> View:
    """SpaceToDepth."""
    source = build.tensor(node, tensor(given))
    return build.made(node, "space_to_depth", source, fields={"block": node.get("blocksize")})


OPERATORS: dict[str, Operator] = {
    "DepthToSpace": depth_to_space,
    "Flatten": flatten,
    "Pad": pad,
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
