"""Attention, in the words of Flax."""

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
    return Expression(("{layer}({0}, {1}, {2})",), f"{attention(site)}, rngs=rngs)")


def _position_embedding(site: Site[layers.PositionEmbedding]) -> Expression:
    deviation = option("stddev", site.layer.deviation, 0.02)
    build = f"PositionEmbedding({hole('shape', site.shape)}{deviation}, rngs=rngs)"
    return Expression(("{layer}({0})",), build)


def _class_token(site: Site[layers.ClassToken]) -> Expression:
    return Expression(("{layer}({0})",), f"ClassToken({hole('features', site.channels)})")


def _embedding(site: Site[layers.Embedding]) -> Expression:
    layer = site.layer
    sizes = f"{hole('entries', layer.entries)}, {hole('units', layer.units)}"
    value = "{0}[..., 0]" if site.rank else "{0}"
    build = f"nnx.Embed({sizes}, rngs=rngs)"
    return Expression((f"{{layer}}(entries({value}, {{layer}}))",), build)


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
