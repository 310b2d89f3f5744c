"""Recurrent layers, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit.export.code.lines import hole, option
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.recurrence import Recurrent
from cnnkit.spec.site import Site


def _recurrent(site: Site[Recurrent]) -> Expression:
    layer = site.layer
    build = (
        f"layers.{layer.kind.upper()}({hole('units', layer.units)}"
        + option("use_bias", layer.bias, True)
        + option("return_sequences", layer.sequences, False)
    )
    if layer.direction == "both":
        return Expression((f"layers.Bidirectional({build}), {named()})({{0}})",))
    if layer.direction == "forward":
        return operation_of(build)
    # It gives the steps in the order in which it goes along them.
    after = ("ops.flip({0}, axis=1)",) if layer.sequences else ()
    return operation_of(f"{build}, go_backwards=True", after=after)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "lstm": _recurrent,
        "gru": _recurrent,
    }
)
