"""The normalizations, in the words of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import rescaled, response_norm_arguments
from cnnkit.export.outline import Expression, InexpressibleError
from cnnkit.export.site import Writer
from cnnkit.layers.shape import Shape
from cnnkit.spec.site import Site


def _without(layer: Any, build: str) -> str:
    """A normalization that lacks one of scale and shift."""
    if layer.scale == layer.shift:
        return build
    return f'without({build}, "{"weight" if layer.shift else "bias"}")'


def _batch_norm(site: Site[layers.BatchNorm]) -> Expression:
    build = (
        f"nn.BatchNorm{max(site.rank, 1)}d({hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("momentum", round(1 - site.layer.momentum, 12), 0.1)
        + option("affine", site.layer.scale or site.layer.shift, True)
        + ")"
    )
    made = _without(site.layer, build)
    return Expression(("{layer}({0})",), made if site.layer.learnt else f"settled({made})")


def _of_one_value(kind: str, values: int) -> None:
    """PyTorch refuses to standardize one value by itself, though what comes of it is known: 0."""
    if values == 1:
        raise InexpressibleError(
            f"its {kind} refuses sets of one value, which is its own mean",
            "remove the layer: all that it gives is its shift; or `--to flax` or `--to keras`",
        )


def _group_norm(site: Site[layers.GroupNorm]) -> Expression:
    _of_one_value("group norm", math.prod(site.shape) // site.layer.groups)
    build = (
        f"nn.GroupNorm({hole('groups', site.layer.groups)}, {hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("affine", site.layer.scale or site.layer.shift, True)
        + ")"
    )
    return Expression(("{layer}({0})",), _without(site.layer, build))


def _instance_norm(site: Site[layers.InstanceNorm]) -> Expression:
    _of_one_value("instance norm", math.prod(site.shape[:-1]))
    build = (
        f"nn.InstanceNorm{site.rank}d({hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("affine", site.layer.scale or site.layer.shift, False)
        + ")"
    )
    return Expression(("{layer}({0})",), _without(site.layer, build))


def _channels_last(shape: Shape) -> str:
    """The call of a layer that works on the last axis."""
    if len(shape) == 1:
        return "{layer}({0})"
    return "{layer}({0}.movedim(1, -1)).movedim(-1, 1)"


def _layer_norm(site: Site[layers.LayerNorm]) -> Expression:
    whole = site.layer.over == "all"
    learnt = hole("shape", site.shape) if whole else hole("channels", site.channels)
    build = (
        f"nn.LayerNorm({learnt}"
        + option("eps", site.layer.epsilon, 1e-5)
        + option("elementwise_affine", site.layer.scale or site.layer.shift, True)
        + ")"
    )
    return Expression((_channels_last(site.shape),), _without(site.layer, build))


def _rms_norm(site: Site[layers.RmsNorm]) -> Expression:
    build = (
        f"nn.RMSNorm({hole('channels', site.channels)}"
        + option("eps", site.layer.epsilon, None)
        + option("elementwise_affine", site.layer.scale, True)
        + ")"
    )
    return Expression((_channels_last(site.shape),), build)


def _global_response_norm(site: Site[layers.GlobalResponseNorm]) -> Expression:
    epsilon = option("eps", site.layer.epsilon, 1e-6)
    build = f"GlobalResponseNorm({hole('channels', site.channels)}, {site.rank}{epsilon})"
    return Expression(("{layer}({0})",), build)


def _local_response_norm(site: Site[layers.LocalResponseNorm]) -> Expression:
    function = "local_response_norm" if len(site.shape) == 1 else "F.local_response_norm"
    return Expression((f"{function}({{0}}, {response_norm_arguments(site.layer)})",))


def _rescale(site: Site[layers.Rescale]) -> Expression:
    axes = ", 1" * (site.rank)
    return rescaled(site.layer, lambda numbers: f"{{0}}.new_tensor({numbers}).view(-1{axes})")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "batch_norm": _batch_norm,
        "layer_norm": _layer_norm,
        "group_norm": _group_norm,
        "instance_norm": _instance_norm,
        "rms_norm": _rms_norm,
        "local_response_norm": _local_response_norm,
        "global_response_norm": _global_response_norm,
        "rescale": _rescale,
    }
)
