"""Attention, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole
from cnnkit.export.common import attention
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.attention import DotProductAttention
from cnnkit.spec.site import Site


def _dot_product_attention(site: Site[DotProductAttention]) -> Expression:
    return Expression((f"{attention(site)}, {named()})([{{0}}, {{1}}, {{2}}])",))


def _position_embedding(site: Site[layers.PositionEmbedding]) -> Expression:
    return operation_of(f"PositionEmbedding({hole('stddev', site.layer.deviation)}")


def _class_token(site: Site[layers.ClassToken]) -> Expression:
    del site
    return Expression((f"ClassToken({named()})({{0}})",))


def _embedding(site: Site[layers.Embedding]) -> Expression:
    layer = site.layer
    build = f"layers.Embedding({hole('entries', layer.entries)}, {hole('units', layer.units)}"
    before = "{0}[..., 0]" if site.rank else "{0}"
    entries = f"Entries(count={hole('entries', layer.entries)}, {named('.entries')})({before})"
    return operation_of(build, entries)


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
