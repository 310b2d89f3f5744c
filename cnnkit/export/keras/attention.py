"""Attention, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import cells_of
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Site, Writer
from cnnkit.layers.attention import DotProductAttention


def _dot_product_attention(site: Site[DotProductAttention]) -> Expression:
    layer = site.layer
    build = f"DotProductAttention({hole('heads', layer.heads)}"
    if layer.window is not None or layer.relative_bias:
        extents, window, shift = cells_of(site)
        build = (
            f"WindowAttention({hole('heads', layer.heads)}, {hole('extents', extents)}"
            f", {hole('window', window)}, {hole('shift', shift)}"
            + option("relative_bias", layer.relative_bias, False)
        )
    build += option("dropout", layer.dropout, 0.0)
    return Expression((f"{build}, {named()})([{{0}}, {{1}}, {{2}}])",))


def _position_embedding(site: Site[layers.PositionEmbedding]) -> Expression:
    return operation_of(f"PositionEmbedding({hole('stddev', site.layer.deviation)}")


def _class_token(site: Site[layers.ClassToken]) -> Expression:
    del site
    return Expression((f"ClassToken({named()})({{0}})",))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "position_embedding": _position_embedding,
        "class_token": _class_token,
    }
)
PARTS: Mapping[str, Writer] = MappingProxyType(
    {
        "dot_product_attention": _dot_product_attention,
    }
)
