"""Pad, crop and upsample, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code import hole
from cnnkit.export.flax.padding import MODES
from cnnkit.export.outline import Operation
from cnnkit.export.site import Sides, Site, Writer, is_zero
from cnnkit.layers.resample import centred
from cnnkit.layers.window import sides


def _pad(site: Site[layers.Pad]) -> Operation:
    cells = sides(site.layer.padding, site.rank) or ()
    calls = []
    if not is_zero(cells):
        mode = MODES.get(site.layer.padding_mode, "constant")
        calls.append(f'pad({{0}}, {hole("sides", cells)}, "{mode}")')
    added = site.layer.channels
    before, after = (added, added) if isinstance(added, int) else added
    if before or after:
        widths = ", ".join(["(0, 0)"] * len(site.shape))
        calls.append(
            f"jnp.pad({{0}}, ({widths}, ({hole('before', before)}, {hole('after', after)})))"
        )
    return Operation(tuple(calls) or ("{0}",))


def _crop(site: Site[layers.Crop]) -> Operation:
    output = site.output
    if site.layer.cells is None:
        cut: Sides = tuple(map(centred, site.shape[:-1], output[:-1]))
    else:
        cut = sides(site.layer.cells, site.rank) or ()
    spans = ", ".join(
        f"{hole('start', before)}:{hole('stop', before + kept)}"
        for (before, _), kept in zip(cut, output[:-1], strict=True)
    )
    return Operation((f"{{0}}[:, {spans}]",))


def _upsample(site: Site[layers.Upsample]) -> Operation:
    extents = hole("extents", site.output[:-1])
    return Operation((f'upsample({{0}}, {extents}, "{site.layer.method}")',))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "pad": _pad,
        "crop": _crop,
        "upsample": _upsample,
    }
)
