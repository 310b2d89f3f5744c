"""The initial weights that a spec names, and their norm, in the words of Keras."""

from __future__ import annotations

from cnnkit.export.code.lines import hole, option
from cnnkit.export.target import plain
from cnnkit.layers.weighted import Weighted

_INITIALIZERS = {
    "lecun": "lecun_normal",
    "he": "he_normal",
    "glorot": "glorot_normal",
}


def initializers(
    layer: Weighted, keyword: str = "kernel_initializer", *, swapped: bool = False
) -> str:
    """The initialisers that the spec names, as keyword arguments."""
    text = ""
    if layer.weights is not None:
        more = ", swapped=True" if swapped else ""
        text += f", {keyword}=Given({hole('weights', plain(layer.weights))}{more})"
    elif layer.init == "dirac":
        text += f", {keyword}=Dirac({hole('groups', getattr(layer, 'groups', 1))})"
    elif isinstance(layer.init, str):
        name = f'"{_INITIALIZERS.get(layer.init, layer.init)}"'
        text += f", {keyword}={f'Swapped({name})' if swapped else name}"
    elif layer.init is not None:
        text += f", {keyword}=keras.initializers.Constant({hole('init', float(layer.init))})"
    if isinstance(layer.bias, tuple):
        text += f", bias_initializer=Given({hole('bias', plain(layer.bias))})"
    return text


def class_of(layer: Weighted, name: str, positions: int = 0, *, swapped: bool = False) -> str:
    """The class of a layer, of which one is made that normalizes its weights as the spec says.

    Args:
        layer: The layer.
        name: The class without.
        positions: The leading axes of its kernel that are positions with filters of their own.
        swapped: Whether the filters are the last axis but one of its kernel.
    """
    if layer.weight_norm == "none":
        return name
    if layer.weight_norm == "spectral_norm":
        return f"spectral_norm({name}{option('swapped', swapped, False)})"
    more = option("positions", positions, 0) + option("swapped", swapped, False)
    return f'filter_norm({name}, "{layer.weight_norm}"{more})'
