"""The initial weights that a spec names, in the words of PyTorch."""

from __future__ import annotations

from cnnkit.export.code.lines import hole
from cnnkit.export.target import plain
from cnnkit.layers.weighted import Weighted

_INITIALIZERS = {
    "lecun": "lecun_normal",
    "lecun_uniform": "lecun_uniform",
    "he": "he_normal",
    "he_uniform": "he_uniform",
    "glorot": "nn.init.xavier_normal_",
    "glorot_uniform": "nn.init.xavier_uniform_",
    "orthogonal": "nn.init.orthogonal_",
    "zeros": "nn.init.zeros_",
    "ones": "nn.init.ones_",
}


def started(layer: Weighted, build: str, function: str = "start") -> str:
    """A layer with the initial weights that the spec names."""
    text = ""
    if layer.weights is not None:
        text += f", kernel={hole('weights', plain(layer.weights))}"
    elif isinstance(layer.init, str):
        text += f", kernel={_INITIALIZERS[layer.init]}"
    elif layer.init is not None:
        text += f", kernel=lambda weight: weight.fill_({hole('init', float(layer.init))})"
    if isinstance(layer.bias, tuple):
        text += f", bias={hole('bias', [float(value) for value in layer.bias])}"
    return f"{function}({build}{text})" if text else build
