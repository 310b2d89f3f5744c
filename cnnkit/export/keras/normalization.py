"""The normalizations, in the words of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cnnkit import layers
from cnnkit.export.code.lines import hole, option
from cnnkit.export.common import rescaled, response_norm_arguments
from cnnkit.export.keras.naming import operation_of
from cnnkit.export.outline import Expression
from cnnkit.export.site import Writer
from cnnkit.spec.site import Site


def _norm(name: str, axes: list[int] | None = None, *, momentum: bool = False) -> Writer:
    def written(site: Site[Any]) -> Expression:
        groups = {"group_norm": f"groups={hole('groups', vars(site.layer).get('groups'))}, "}
        groups["instance_norm"] = "groups=-1, "  # a group for each channel
        first = groups.get(site.layer.kind, "")
        if momentum:
            first += f"momentum={hole('momentum', site.layer.momentum)}, "
        if axes is not None:
            first += f"axis={axes}, "
        return operation_of(
            f"layers.{name}({first}epsilon={hole('epsilon', site.layer.epsilon)}"
            + option("center", site.layer.shift, True)
            + option("scale", site.layer.scale, True)
        )

    return written


def _layer_norm(site: Site[layers.LayerNorm]) -> Expression:
    axes = list(range(1, len(site.shape) + 1))
    return _norm("LayerNormalization", axes if site.layer.over == "all" else None)(site)


def _global_response_norm(site: Site[layers.GlobalResponseNorm]) -> Expression:
    return operation_of(f"GlobalResponseNorm({hole('epsilon', site.layer.epsilon)}")


def _rms_norm(site: Site[layers.RmsNorm]) -> Expression:
    epsilon = hole("epsilon", site.layer.epsilon)
    if not site.layer.scale:
        return operation_of(f"RmsNorm(epsilon={epsilon}")
    return operation_of(f"layers.RMSNormalization(epsilon={epsilon}")


def _local_response_norm(site: Site[layers.LocalResponseNorm]) -> Expression:
    return operation_of(f"LocalResponseNorm({response_norm_arguments(site.layer)}")


def _rescale(site: Site[layers.Rescale]) -> Expression:
    return rescaled(site.layer, lambda numbers: f"ops.array({numbers})")


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "batch_norm": _norm("BatchNormalization", momentum=True),
        "layer_norm": _layer_norm,
        "group_norm": _norm("GroupNormalization"),
        "instance_norm": _norm("GroupNormalization"),
        "rms_norm": _rms_norm,
        "local_response_norm": _local_response_norm,
        "global_response_norm": _global_response_norm,
        "rescale": _rescale,
    }
)
