"""Dropout and noise, which are nothing at inference."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.export.onnx.writing import Writer, Writing
from cnnkit.spec.site import Site


def _nothing(write: Writing, site: Site[Any]) -> str:
    del site
    return write.x


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dropout": _nothing,
        "spatial_dropout": _nothing,
        "drop_path": _nothing,
        "gaussian_noise": _nothing,
    }
)
