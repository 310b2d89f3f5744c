"""The initial weights that a spec names, and their norm, in the words of Flax."""

from __future__ import annotations

from cnnkit.export.code.lines import hole, option
from cnnkit.export.target import plain
from cnnkit.layers.weighted import Weighted

_INITIALIZERS = {
    "lecun": "lecun_normal()",
    "lecun_uniform": "lecun_uniform()",
    "he": "he_normal()",
    "he_uniform": "he_uniform()",
    "glorot": "glorot_normal()",
    "glorot_uniform": "glorot_uniform()",
    "orthogonal": "orthogonal()",
    "zeros": "zeros",
    "ones": "ones",
}


def initializers(layer: Weighted, spatial: int | None = None) -> str:
    """The initialisers that the spec names, as keyword arguments."""
    text = ""
    if layer.weights is not None:
        text += f", kernel_init=given({hole('weights', plain(layer.weights))})"
    elif layer.init == "dirac":
        text += f", kernel_init=dirac({hole('groups', getattr(layer, 'groups', 1))})"
    elif isinstance(layer.init, str):
        name = _INITIALIZERS[layer.init]
        if spatial and "_" in name:  # the positions do not add to a fan
            name = name.replace("()", f"(batch_axis={tuple(range(spatial))})")
        text += f", kernel_init=nnx.initializers.{name}"
    elif layer.init is not None:
        value = hole("init", float(layer.init))
        text += f", kernel_init=nnx.initializers.constant({value})"
    if isinstance(layer.bias, tuple):
        text += f", bias_init=given({hole('bias', plain(layer.bias))})"
    return text


def normalized(layer: Weighted, made: str, positions: int = 0) -> str:
    """A layer with the norm of its weights that the spec names.

    Args:
        layer: The layer.
        made: What makes it.
        positions: The leading axes of its kernel that are positions with filters of their own.
    """
    if layer.weight_norm == "none":
        return made
    if layer.weight_norm == "spectral_norm":
        return f"SpectralNorm({made}, rngs=rngs{option('learnt', layer.learnt, True)})"
    return f'FilterNorm({made}, "{layer.weight_norm}"{option("positions", positions, 0)})'
