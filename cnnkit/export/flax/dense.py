"""Dense layers, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.flax.initialization import initializers, normalized
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _dense(site: Site[layers.Dense]) -> Expression:
    output = site.output
    build = (
        f"nnx.Linear({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        + option("use_bias", site.layer.has_bias, True)
        + f"{initializers(site.layer)}, rngs=rngs)"
    )
    return Expression(("{layer}({0})",), normalized(site.layer, build))


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dense": _dense,
    }
)
