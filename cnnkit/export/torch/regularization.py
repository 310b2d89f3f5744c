"""Dropout and noise, in the words of PyTorch."""

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
    spatial = site.layer.kind == "spatial_dropout" and len(site.shape) > 1
    name = f"nn.Dropout{site.rank}d" if spatial else "nn.Dropout"
    return Expression(("{layer}({0})",), f"{name}({hole('rate', site.layer.rate)})")


def _drop_path(site: Site[layers.DropPath]) -> Expression:
    return Expression(("{layer}({0})",), f"DropPath({hole('rate', site.layer.rate)})")


def _gaussian_noise(site: Site[layers.GaussianNoise]) -> Expression:
    return Expression(
        ("{layer}({0})",), f"GaussianNoise({hole('deviation', site.layer.deviation)})"
    )


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dropout": _dropout,
        "spatial_dropout": _dropout,
        "drop_path": _drop_path,
        "gaussian_noise": _gaussian_noise,
    }
)
