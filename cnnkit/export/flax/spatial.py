"""Pad, crop and upsample, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole
from cnnkit.export.flax.padding import MODES
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer, is_zero
from cnnkit.layers.window import sides
from cnnkit.spec.site import Site


def _pad(site: Site[layers.Pad]) -> Expression:
    cells = sides(site.layer.padding, site.rank) or ()
    calls = []
    if not is_zero(cells):
        mode = MODES.get(site.layer.padding_mode, "constant")
        calls.append(f'pad({{0}}, {hole("sides", cells)}, "{mode}")')
    before, after = site.layer.channel_sides
    if before or after:
        widths = ", ".join(["(0, 0)"] * len(site.shape))
        calls.append(
            f"jnp.pad({{0}}, ({widths}, ({hole('before', before)}, {hole('after', after)})))"
        )
    return Expression(tuple(calls) or ("{0}",))


def _crop(site: Site[layers.Crop]) -> Expression:
    kept = site.output[:-1]
    cut = site.layer.cells_off(site.shape[:-1], kept)
    spans = ", ".join(
        f"{hole('start', before)}:{hole('stop', before + extent)}"
        for (before, _), extent in zip(cut, kept, strict=True)
    )
    return Expression((f"{{0}}[:, {spans}]",))


def _upsample(site: Site[layers.Upsample]) -> Expression:
    extents = hole("extents", site.output[:-1])
    return Expression((f'upsample({{0}}, {extents}, "{site.layer.method}")',))


def _max_unpool(site: Site[layers.MaxUnpool]) -> Expression:
    return Expression((f"max_unpool({{0}}, {{1}}, {hole('size', site.layer.sizes(site.rank))})",))


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
