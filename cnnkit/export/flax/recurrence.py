"""Recurrent layers, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit.export.code.lines import hole, option
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.layers.conv_recurrence import ConvLstm
from cnnkit.layers.recurrence import Recurrent
from cnnkit.spec.site import Site


def _recurrent(site: Site[Recurrent]) -> Expression:
    layer = site.layer
    build = (
        f"{'LSTM' if layer.kind == 'lstm' else 'GRU'}({hole('in_features', site.channels)}"
        f", {hole('units', layer.units)}"
        + option("sequences", layer.sequences, False)
        + option("direction", layer.direction, "forward")
        + option("use_bias", layer.bias, True)
        + ", rngs=rngs)"
    )
    return Expression(("{layer}({0})",), build)


def _conv_lstm(site: Site[ConvLstm]) -> Expression:
    layer = site.layer
    build = (
        f"ConvLSTM({hole('in_features', site.channels)}, {hole('filters', layer.filters)}"
        f", {hole('kernel', layer.sizes(site.rank - 1))}"
        + option("same", layer.padding == "same", False)
        + option("sequences", layer.sequences, False)
        + option("direction", layer.direction, "forward")
        + option("use_bias", layer.bias, True)
        + ", rngs=rngs)"
    )
    return Expression(("{layer}({0})",), build)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "lstm": _recurrent,
        "gru": _recurrent,
        "conv_lstm": _conv_lstm,
    }
)
