"""The initial weights that a spec names, and their norm, in the words of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.export.code.lines import hole, option
from cnnkit.export.outline import InexpressibleError
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
    elif layer.init == "dirac":
        groups = getattr(layer, "groups", 1)
        text += f", kernel={'dirac' if groups == 1 else f'lambda weight: dirac(weight, {groups})'}"
    elif isinstance(layer.init, str):
        text += f", kernel={_INITIALIZERS[layer.init]}"
    elif layer.init is not None:
        text += f", kernel=lambda weight: weight.fill_({hole('init', float(layer.init))})"
    if isinstance(layer.bias, tuple):
        text += f", bias={hole('bias', [float(value) for value in layer.bias])}"
    return f"{function}({build}{text})" if text else build


def normalized(
    layer: Weighted, made: str, axes: Sequence[int], groups: int = 1, dim: int | None = None
) -> str:
    """A layer with the norm of its weights that the spec names.

    Args:
        layer: The layer.
        made: What makes it.
        axes: Those of a filter's weights, where the first axis is split into groups and the rest.
        groups: How many groups of the first axis have filters of their own.
        dim: The axis of the filters, where it is one: then PyTorch has the `weight_norm`.
    """
    if layer.weight_norm == "none":
        return made
    if layer.weight_norm == "spectral_norm":
        if groups > 1:
            raise InexpressibleError(
                "its spectral norm takes a transposed convolution of several groups "
                f"(={groups}) for another matrix",
                "`groups: 1`, or `--to flax`",
                ("weight_norm",),
            )
        made = f"nn.utils.parametrizations.spectral_norm({made})"
        return made if layer.learnt else f"settled({made})"
    if layer.weight_norm == "weight_norm" and dim is not None:
        return f"nn.utils.parametrizations.weight_norm({made}{option('dim', dim, 0)})"
    more = option("groups", groups, 1)
    return f'filter_norm({made}, "{layer.weight_norm}", {hole("axes", tuple(axes))}{more})'
