"""Dense layers, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.keras.initialization import class_of, initializers
from cnnkit.export.keras.naming import operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _dense(site: Site[layers.Dense]) -> Expression:
    units = hole("units", site.output[-1])
    bias = option("use_bias", site.layer.has_bias, True)
    made = class_of(site.layer, "layers.Dense")
    return operation_of(f"{made}({units}{bias}{initializers(site.layer)}")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "dense": _dense,
    }
)
