"""Pad, crop and upsample, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.keras.padding import filled, sliced, zero_padding
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer, brief, is_zero
from cnnkit.layers.window import sides
from cnnkit.spec.site import Site


def _pad(site: Site[layers.Pad]) -> Expression:
    cells = sides(site.layer.padding, site.rank) or ()
    calls = []
    if not is_zero(cells) and site.layer.padding_mode == "zeros":
        calls.append(zero_padding(cells))
    elif not is_zero(cells):
        calls.append(filled(cells, site.layer.padding_mode))
    before, after = site.layer.channel_sides
    if before or after:
        widths = (*((0, 0),) * len(site.shape), (before, after))
        calls.append(f"ops.pad({{0}}, {hole('channels', widths)})")
    return Expression(tuple(calls) or ("{0}",))


def _crop(site: Site[layers.Crop]) -> Expression:
    kept = site.output[:-1]
    cut = site.layer.cells_off(site.shape[:-1], kept)
    pairs = zip(cut, kept, strict=True)
    return Expression((sliced([(before, before + extent) for (before, _), extent in pairs]),))


def _upsample(site: Site[layers.Upsample]) -> Expression:
    extents = site.output[:-1]
    whole = all(a % b == 0 for a, b in zip(extents, site.shape[:-1], strict=True))
    if site.layer.method == "nearest" and site.layer.factor is not None and whole:
        factors = tuple(a // b for a, b in zip(extents, site.shape[:-1], strict=True))
        size = hole("size", brief(factors))
        return operation_of(f"layers.UpSampling{len(factors)}D({size}")
    return operation_of(f'Resize(extents={hole("extents", extents)}, method="{site.layer.method}"')


def _max_unpool(site: Site[layers.MaxUnpool]) -> Expression:
    size = hole("size", site.layer.sizes(site.rank))
    return Expression((f"MaxUnpool(size={size}, {named()})([{{0}}, {{1}}])",))


def _coordinates(site: Site[layers.Coordinates]) -> Expression:
    return operation_of(f"WithCoordinates(extents={hole('extents', site.shape[:-1])}")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "pad": _pad,
        "crop": _crop,
        "upsample": _upsample,
        "max_unpool": _max_unpool,
        "coordinates": _coordinates,
    }
)
