"""Attention, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import attention
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.attention import DotProductAttention
from cnnkit.spec.site import Site


def _dot_product_attention(site: Site[DotProductAttention]) -> Expression:
    return Expression(("{layer}({0}, {1}, {2})",), f"{attention(site)})")


def _position_embedding(site: Site[layers.PositionEmbedding]) -> Expression:
    *extents, channels = site.shape
    shape = hole("shape", (channels, *extents))
    deviation = option("std", site.layer.deviation, 0.02)
    return Expression(("{layer}({0})",), f"PositionEmbedding({shape}{deviation})")


def _class_token(site: Site[layers.ClassToken]) -> Expression:
    return Expression(("{layer}({0})",), f"ClassToken({hole('channels', site.channels)})")


def _embedding(site: Site[layers.Embedding]) -> Expression:
    layer = site.layer
    build = f"Embedding({hole('entries', layer.entries)}, {hole('units', layer.units)})"
    return Expression(("{layer}({0})",), build)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "position_embedding": _position_embedding,
        "class_token": _class_token,
        "embedding": _embedding,
    }
)
PARTS: Mapping[str, Writer] = MappingProxyType(
    {
        "dot_product_attention": _dot_product_attention,
    }
)
