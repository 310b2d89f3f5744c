"""The normalizations, in the words of Flax."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import rescaled, response_norm_arguments
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site

# By default Flax takes the variance as mean(x²) − mean(x)², which loses digits far from zero.
_VARIANCE = ", use_fast_variance=False"


def _affine(layer: Any) -> str:
    return (
        _VARIANCE + option("use_bias", layer.shift, True) + option("use_scale", layer.scale, True)
    )


def _batch_norm(site: Site[layers.BatchNorm]) -> Expression:
    build = (
        f"nnx.BatchNorm({hole('features', site.channels)}"
        + option("momentum", site.layer.momentum, 0.99)
        + option("epsilon", site.layer.epsilon, 1e-5)
        + f"{_affine(site.layer)}, rngs=rngs)"
    )
    settled = "" if site.layer.learnt else ", use_running_average=True"
    return Expression((f"{{layer}}({{0}}{settled})",), build)


def _norm(name: str) -> Writer:
    def written(site: Site[Any]) -> Expression:
        groups = (
            option("num_groups", site.layer.groups, None) if site.layer.kind == "group_norm" else ""
        )
        affine = (
            option("use_scale", site.layer.scale, True)
            if site.layer.kind == "rms_norm"
            else _affine(site.layer)
        )
        epsilon = option("epsilon", site.layer.epsilon, 1e-6)
        build = f"nnx.{name}({hole('features', site.channels)}{groups}{epsilon}{affine}, rngs=rngs)"
        return Expression(("{layer}({0})",), build)

    return written


def _layer_norm(site: Site[layers.LayerNorm]) -> Expression:
    layer = site.layer
    if layer.over == "channels":
        return _norm("LayerNorm")(site)
    options = (
        option("epsilon", layer.epsilon, 1e-6)
        + option("use_bias", layer.shift, True)
        + option("use_scale", layer.scale, True)
    )
    return Expression(("{layer}({0})",), f"WholeNorm({hole('shape', site.shape)}{options})")


def _global_response_norm(site: Site[layers.GlobalResponseNorm]) -> Expression:
    epsilon = option("epsilon", site.layer.epsilon, 1e-6)
    build = f"GlobalResponseNorm({hole('features', site.channels)}{epsilon})"
    return Expression(("{layer}({0})",), build)


def _local_response_norm(site: Site[layers.LocalResponseNorm]) -> Expression:
    return Expression((f"local_response_norm({{0}}, {response_norm_arguments(site.layer)})",))


def _rescale(site: Site[layers.Rescale]) -> Expression:
    return rescaled(site.layer, lambda numbers: f"jnp.array({numbers})")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "batch_norm": _batch_norm,
        "layer_norm": _layer_norm,
        "group_norm": _norm("GroupNorm"),
        "instance_norm": _norm("InstanceNorm"),
        "rms_norm": _norm("RMSNorm"),
        "local_response_norm": _local_response_norm,
        "global_response_norm": _global_response_norm,
        "rescale": _rescale,
    }
)
