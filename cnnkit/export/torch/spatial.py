"""Pad, crop and upsample, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer, is_zero
from cnnkit.export.torch.padding import pad, sliced
from cnnkit.layers.window import sides
from cnnkit.spec.site import Site


def _pad(site: Site[layers.Pad]) -> Expression:
    cells = sides(site.layer.padding, site.rank) or ()
    calls = [] if is_zero(cells) else [pad(cells, site.layer.padding_mode)]
    before, after = site.layer.channel_sides
    if before or after:
        widths = (0,) * (2 * (site.rank)) + (before, after)
        calls.append(f"F.pad({{0}}, {hole('channels', widths)})")
    return Expression(tuple(calls) or ("{0}",))


def _crop(site: Site[layers.Crop]) -> Expression:
    kept = site.output[:-1]
    cut = site.layer.cells_off(site.shape[:-1], kept)
    return Expression((sliced([before for before, _ in cut], kept),))


def _upsample(site: Site[layers.Upsample]) -> Expression:
    extents = hole("size", site.output[:-1])
    if site.layer.method == "nearest":
        return Expression((f'F.interpolate({{0}}, {extents}, mode="nearest-exact")',))
    mode = ("linear", "bilinear", "trilinear")[len(site.shape) - 2]
    return Expression((f'F.interpolate({{0}}, {extents}, mode="{mode}")',))


def _max_unpool(site: Site[layers.MaxUnpool]) -> Expression:
    rank, size = site.rank, hole("size", site.layer.sizes(site.rank))
    places = f"F.max_pool{rank}d({{1}}, {size}, return_indices=True)[1]"
    call = f"F.max_unpool{rank}d({{0}}, {places}, {size}, output_size={{1}}.shape[2:])"
    return Expression((call,))


def _coordinates(site: Site[layers.Coordinates]) -> Expression:
    return Expression((f"with_coordinates({{0}}, {hole('extents', site.shape[:-1])})",))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "pad": _pad,
        "crop": _crop,
        "upsample": _upsample,
        "max_unpool": _max_unpool,
        "coordinates": _coordinates,
    }
)
