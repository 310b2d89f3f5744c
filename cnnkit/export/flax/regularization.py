"""Dropout and noise, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _dropout(site: Site[Any]) -> Expression:
    axes: tuple[int, ...] = ()
    if site.layer.kind == "spatial_dropout":
        axes = tuple(range(1, len(site.shape)))
    elif site.layer.kind == "drop_path":
        axes = tuple(range(1, len(site.shape) + 1))
    broadcast = f", broadcast_dims={axes}" if axes else ""
    build = f"nnx.Dropout({hole('rate', site.layer.rate)}{broadcast}, rngs=rngs)"
    return Expression(("{layer}({0})",), build)


def _gaussian_noise(site: Site[layers.GaussianNoise]) -> Expression:
    build = f"GaussianNoise({hole('deviation', site.layer.deviation)}, rngs=rngs)"
    return Expression(("{layer}({0})",), build)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dropout": _dropout,
        "spatial_dropout": _dropout,
        "drop_path": _dropout,
        "gaussian_noise": _gaussian_noise,
    }
)
