"""Recurrent layers, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit.export.code.lines import hole, option
from cnnkit.export.keras.naming import named, operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.conv_recurrence import ConvLstm
from cnnkit.layers.recurrence import Recurrent
from cnnkit.spec.site import Site


def _recurrent(site: Site[Recurrent]) -> Expression:
    layer = site.layer
    return _along(layer, f"layers.{layer.kind.upper()}({hole('units', layer.units)}")


def _conv_lstm(site: Site[ConvLstm]) -> Expression:
    layer, rank = site.layer, site.rank - 1
    return _along(
        layer,
        f"layers.ConvLSTM{rank}D({hole('filters', layer.filters)}"
        f", {hole('kernel', layer.sizes(rank))}" + option("padding", layer.padding, "valid"),
    )


def _along(layer: Recurrent | ConvLstm, build: str) -> Expression:
    """A layer of Keras that goes along an axis in the direction that is said."""
    build += option("use_bias", layer.bias, True)
    build += option("return_sequences", layer.sequences, False)
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
        "conv_lstm": _conv_lstm,
    }
)
