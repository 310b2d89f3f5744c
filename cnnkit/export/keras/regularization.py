"""Dropout and noise, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole
from cnnkit.export.keras.naming import operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _dropout(site: Site[Any]) -> Expression:
    rank, rate = site.rank, hole("rate", site.layer.rate)
    if site.layer.kind == "drop_path":
        return operation_of(f"layers.Dropout({rate}, noise_shape={(None, *[1] * len(site.shape))}")
    if site.layer.kind == "spatial_dropout" and rank:
        return operation_of(f"layers.SpatialDropout{rank}D({rate}")
    return operation_of(f"layers.Dropout({rate}")


def _gaussian_noise(site: Site[layers.GaussianNoise]) -> Expression:
    return operation_of(f"layers.GaussianNoise({hole('deviation', site.layer.deviation)}")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dropout": _dropout,
        "spatial_dropout": _dropout,
        "drop_path": _dropout,
        "gaussian_noise": _gaussian_noise,
    }
)
