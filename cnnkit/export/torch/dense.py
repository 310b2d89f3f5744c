"""Dense layers, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.export.torch.initialization import normalized, started
from cnnkit.spec.site import Site


def _dense(site: Site[layers.Dense]) -> Expression:
    output = site.output
    build = (
        f"nn.Linear({hole('in_features', site.channels)}, {hole('out_features', output[-1])}"
        + option("bias", site.layer.has_bias, True)
        + ")"
    )
    return Expression(
        ("{layer}({0})",), normalized(site.layer, started(site.layer, build), (2,), dim=0)
    )


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dense": _dense,
    }
)
