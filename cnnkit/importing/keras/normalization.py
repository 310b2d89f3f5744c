"""Normalizations of Keras, with their scales, shifts and running averages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.call import LayerCall
from cnnkit.layers.shape import Shape

LayerReader = Callable[[LayerCall], int]

_OURS = {
    "beta": "shift",
    "gamma": "scale",
    "moving_mean": "mean",
    "moving_variance": "variance",
    "scale": "scale",
}


def _normalized(kind: str, *statistics: str, epsilon: float = 1e-3) -> LayerReader:
    """A normalization of the channels, with its scale, its shift and its running averages."""

    def apply(call: LayerCall) -> int:
        if not _over_channels(call):
            raise RefusedError(
                f"it is over axis {_shown(call)}", f"near is {kind}, over the channels"
            )
        fields: dict[str, Any] = {}
        if statistics and call.get("momentum", 0.99) != 0.9:
            fields["momentum"] = call.get("momentum", 0.99)
        return _made(call, kind, fields, call.shape[-1:], statistics, epsilon)

    return apply


def _group_norm(call: LayerCall) -> int:
    if not _over_channels(call):
        raise RefusedError(f"it is over axis {_shown(call)}", "near is group_norm, of channels")
    groups, channels = call.get("groups", 32), call.shape[-1]
    if groups in (-1, channels) and call.rank:  # a group for each channel
        return _made(call, "instance_norm", {}, (channels,))
    fields = {"groups": channels if groups == -1 else groups}
    return _made(call, "group_norm", fields, (channels,))


def _layer_norm(call: LayerCall) -> int:
    if call.get("rms_scaling"):
        raise RefusedError("it does not subtract the mean", "near is rms_norm")
    if _over_channels(call):
        return _made(call, "layer_norm", {}, call.shape[-1:])
    if _axes(call) == [*range(1, call.rank + 2)]:
        return _made(call, "layer_norm", {"over": "all"}, call.shape)
    raise RefusedError(
        f"it is over axis {_shown(call)}", "near is layer_norm, over channels or all"
    )


def _rms_norm(call: LayerCall) -> int:
    if not _over_channels(call):
        raise RefusedError(f"it is over axis {_shown(call)}", "near is rms_norm, over the channels")
    arrays = call.arrays(scale=call.shape[-1:])
    epsilon = call.get("epsilon", 1e-6)
    return call.layer("rms_norm", {} if epsilon == 1e-5 else {"epsilon": epsilon}, arrays)


def _made(
    call: LayerCall,
    kind: str,
    fields: dict[str, Any],
    each: Shape,
    statistics: tuple[str, ...] = (),
    epsilon: float = 1e-3,
) -> int:
    """A norm of ours whose scale and shift have this shape."""
    scale, shift = call.get("scale", True), call.get("center", True)
    arrays = call.arrays(
        gamma=each if scale else None,
        beta=each if shift else None,
        **dict.fromkeys(statistics, each),
    )
    given = {"scale": bool(scale), "shift": bool(shift)}
    fields |= {name: False for name, there in given.items() if not there}
    if call.get("epsilon", epsilon) != 1e-5:
        fields["epsilon"] = call.get("epsilon", epsilon)
    return call.layer(kind, fields, {_OURS[name]: value for name, value in arrays.items()})


def _axes(call: LayerCall) -> list[int]:
    """The axes that it is over, from the front, the batch among them."""
    axis = call.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    return sorted(each + call.rank + 2 if each < 0 else each for each in axes)


def _over_channels(call: LayerCall) -> bool:
    return _axes(call) == [call.rank + 1]


def _shown(call: LayerCall) -> Any:
    axis = call.get("axis")
    return axis[0] if isinstance(axis, list) and len(axis) == 1 else axis


NORMALIZATIONS: Mapping[str, LayerReader] = MappingProxyType(
    {
        "BatchNormalization": _normalized("batch_norm", "moving_mean", "moving_variance"),
        "GroupNormalization": _group_norm,
        "LayerNormalization": _layer_norm,
        "RMSNormalization": _rms_norm,
    }
)
"""By the names of Keras's classes."""
