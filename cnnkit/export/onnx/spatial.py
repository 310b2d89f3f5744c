"""Pad, crop and upsample, as operators of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from cnnkit import layers
from cnnkit.export.onnx.padding import padded
from cnnkit.export.onnx.writing import Writer, Writing, per_channel, reshaped, sliced
from cnnkit.layers.window import sides
from cnnkit.spec.site import Site


def _pad(write: Writing, site: Site[layers.Pad]) -> str:
    cells = sides(site.layer.padding, site.rank) or ()
    x = padded(write, write.x, cells, site.layer.padding_mode)
    before, after = site.layer.channel_sides
    if not before and not after:
        return x
    none = [0] * site.rank
    widths = write.constant("channels", [0, before, *none, 0, after, *none], np.int64)
    return write.node("Pad", x, widths, mode="constant")


def _crop(write: Writing, site: Site[layers.Crop]) -> str:
    kept = site.output[:-1]
    starts = [before for before, _ in site.layer.cells_off(site.shape[:-1], kept)]
    stops = [start + extent for start, extent in zip(starts, kept, strict=True)]
    return sliced(write, write.x, starts, stops, range(2, site.rank + 2))


def _upsample(write: Writing, site: Site[layers.Upsample]) -> str:
    pairs = list(zip(site.shape[:-1], site.output[:-1], strict=True))
    if any(larger % extent for extent, larger in pairs):
        return _between_cells(write, site)
    scales = [1, 1, *(larger // extent for extent, larger in pairs)]
    mode: dict[str, Any] = {"mode": "linear"}
    if site.layer.method == "nearest":
        mode = {"mode": "nearest", "nearest_mode": "round_prefer_ceil"}
    return write.node(
        "Resize",
        write.x,
        "",
        write.constant("scales", scales),
        coordinate_transformation_mode="half_pixel",
        **mode,
    )


def _between_cells(write: Writing, site: Site[layers.Upsample]) -> str:
    """Extents that are no multiples: by the numbers of the cells, which no rounding moves."""
    x = write.x
    for axis, (extent, larger) in enumerate(zip(site.shape[:-1], site.output[:-1], strict=True)):
        if extent == larger:
            continue
        cells = np.arange(larger)
        if site.layer.method == "nearest":
            nearest = (2 * cells + 1) * extent // (2 * larger)
            x = _taken(write, x, nearest, axis + 2)
            continue
        places = np.clip((cells + 0.5) * extent / larger - 0.5, 0, extent - 1)
        low = np.minimum(np.floor(places).astype(int), max(extent - 2, 0))
        part = per_channel(places - low, site.rank - axis - 1)
        below = _taken(write, x, low, axis + 2)
        above = _taken(write, x, np.minimum(low + 1, extent - 1), axis + 2)
        below = write.node("Mul", below, write.constant("below", 1 - part))
        x = write.node("Add", below, write.node("Mul", above, write.constant("above", part)))
    return x


def _taken(write: Writing, x: str, cells: Any, axis: int) -> str:
    return write.node("Gather", x, write.constant("cells", cells, np.int64), axis=axis)


def _max_unpool(write: Writing, site: Site[layers.MaxUnpool]) -> str:
    """The first maximum of each window, found once more: runtimes lack `MaxUnpool` in part."""
    (*few, channels), many = site.shape, site.shapes[1][:-1]
    sizes, rank = site.layer.sizes(site.rank), site.rank
    covered = [n * size for n, size in zip(few, sizes, strict=True)]
    pooled = sliced(write, write.inputs[1], [0] * rank, covered, range(2, rank + 2))
    apart = [n for pair in zip(few, sizes, strict=True) for n in pair]
    order = [0, 1, *range(2, 2 * rank + 1, 2), *range(3, 2 * rank + 2, 2)]
    cells = write.node("Transpose", reshaped(write, pooled, [channels, *apart]), perm=order)
    count = math.prod(sizes)
    cells = reshaped(write, cells, [channels, *few, count])
    best = write.node("ArgMax", cells, axis=-1, keepdims=1)
    there = write.node("Equal", best, write.constant("cells", range(count), np.int64))
    x = reshaped(write, write.x, [channels, *few, 1])
    put = write.node("Where", there, x, write.constant("zero", 0))
    put = reshaped(write, put, [channels, *few, *sizes])
    turned = write.node("Transpose", put, perm=[int(at) for at in np.argsort(order)])
    y = reshaped(write, turned, [channels, *covered])
    rest = [n - m for n, m in zip(many, covered, strict=True)]
    if not any(rest):
        return y
    pads = write.constant("pads", [0] * (rank + 2) + [0, 0, *rest], np.int64)
    return write.node("Pad", y, pads)


def _coordinates(write: Writing, site: Site[layers.Coordinates]) -> str:
    """Channels of zeros behind the others, to which the places are added."""
    extents, rank = site.shape[:-1], site.rank
    axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in extents]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"))
    places = np.concatenate([np.zeros((site.channels, *extents)), grid])
    pads = write.constant("pads", [0] * (rank + 2) + [0, rank] + [0] * rank, np.int64)
    return write.node("Add", write.node("Pad", write.x, pads), write.constant("places", places))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "pad": _pad,
        "crop": _crop,
        "upsample": _upsample,
        "max_unpool": _max_unpool,
        "coordinates": _coordinates,
    }
)
