"""Layers of Keras without weights: activations, merges, shapes, rescaling."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.call import LayerCall
from cnnkit.importing.operators.windows import padding, scalar

LayerReader = Callable[[LayerCall], int]


def _same(call: LayerCall) -> int:
    return call.inputs[0]


def _activation(call: LayerCall) -> int:
    return call.activated(call.inputs[0])


def _relu(call: LayerCall) -> int:
    most, slope = call.get("max_value"), call.get("negative_slope") or 0
    if call.get("threshold") or (most is not None and (most != 6 or slope)):
        raise RefusedError("its bounds are others than 0 and 6", "near are relu, relu6, leaky_relu")
    if most is not None:
        return call.layer("relu6")
    return call.layer("leaky_relu", {"slope": slope}) if slope else call.layer("relu")


def _leaky_relu(call: LayerCall) -> int:
    return call.layer("leaky_relu", {"slope": call.get("negative_slope", call.get("alpha", 0.3))})


def _prelu(call: LayerCall) -> int:
    axes, rank = list(call.get("shared_axes") or []), call.rank
    each = [1 if at in axes else extent for at, extent in enumerate(call.shape, start=1)]
    slopes = call.arrays(alpha=tuple(each))["alpha"]
    per = {rank: "channel", rank + 1: "layer", 0: "cell" if rank else "channel"}.get(len(axes))
    if per is None or axes != [*range(1, len(axes) + 1)]:
        raise RefusedError(
            f"it has a slope for each place along the axes behind {axes}",
            f"near is prelu, one a channel: `shared_axes={[*range(1, rank + 1)]}`",
        )
    fields = {} if per == "channel" else {"per": per}
    shape = call.shape if per == "cell" else (-1,)
    return call.layer("prelu", fields, {"slope": slopes.reshape(shape)})


def _layer_scale(call: LayerCall) -> int:
    """The factor a channel of Keras's own ConvNeXt."""
    return call.layer("scale", weights={"scale": call.arrays(gamma=(call.shape[-1],))["gamma"]})


def _elu(call: LayerCall) -> int:
    alpha = call.get("alpha", 1.0)
    return call.layer("elu", {} if alpha == 1 else {"alpha": alpha})


def _softmax(call: LayerCall) -> int:
    axis = call.get("axis", -1)
    place = axis + call.rank + 2 if isinstance(axis, int) and axis < 0 else axis
    if place not in range(1, call.rank + 2):
        raise RefusedError(f"it is over axis {axis}", "near is softmax, over one axis")
    return call.layer("softmax", {"over": place - 1} if place <= call.rank else {})


def _dropout(kind: str) -> LayerReader:
    def apply(call: LayerCall) -> int:
        rate, shape = call.get("rate", 0.5), list(call.get("noise_shape") or [])
        whole = len(shape) > 1 and shape[1:] == [1] * (call.rank + 1)
        if shape and not whole:
            raise RefusedError(f"its noise has the shape {shape}", "near are dropout, drop_path")
        chosen = "drop_path" if whole else kind
        return call.layer(chosen, {"rate": rate}) if rate else call.inputs[0]

    return apply


def _merge(kind: str) -> LayerReader:
    return lambda call: _joined(call, kind)


def _joined(call: LayerCall, kind: str, fields: Mapping[str, Any] | None = None) -> int:
    if call.constants:
        raise RefusedError("it joins a constant to what depends on the input")
    return call.layer(kind, fields, inputs=call.inputs)


def _concatenate(call: LayerCall) -> int:
    axis = call.get("axis", -1)
    place = axis + call.rank + 2 if axis < 0 else axis
    if not 0 < place < call.rank + 2:
        raise RefusedError(f"it joins along axis {axis}", "near is `merge: {by: concat}`")
    fields = {"axis": place - 1} if place <= call.rank else {}
    return _joined(call, "concat", fields)


def _permute(call: LayerCall) -> int:
    order = [each - 1 for each in call.get("dims")]
    axes: list[int | str] = [each if each < call.rank else "channels" for each in order]
    if axes[-1] == "channels":
        axes.pop()
    return call.layer("transpose", {"axes": axes}) if order != sorted(order) else call.inputs[0]


def _noise(call: LayerCall) -> int:
    return call.layer("gaussian_noise", {"deviation": call.get("stddev")})


def _constant(call: LayerCall, kind: str, value: Any, source: int | None = None) -> int:
    import numpy as np

    weights = {"value": np.asarray(value, np.float64)}
    return call.layer(kind, weights=weights, inputs=None if source is None else [source])


def _rescaling(call: LayerCall) -> int:
    number = _constant(call, "channel_multiply", call.get("scale", 1.0))
    offset = call.get("offset", 0.0)
    return _constant(call, "channel_add", offset, number) if offset != 0 else number


def _normalization(call: LayerCall) -> int:
    import numpy as np

    mean, variance = call.get("mean"), call.get("variance")
    if mean is None or variance is None:
        axis = call.get("axis", -1)
        if axis not in (-1, [-1], call.rank + 1, [call.rank + 1]):
            raise RefusedError(f"it is over the axes {axis}", "near is rescale, one a channel")
        one = (call.shape[-1],)
        arrays = call.arrays(mean=one, variance=one)
        mean, variance = arrays["mean"], arrays["variance"]
    deviation = np.maximum(np.sqrt(np.asarray(variance, np.float64)), 1e-7).reshape(-1)
    mean = np.asarray(mean, np.float64).reshape(-1)
    if call.get("invert"):
        number = _constant(call, "channel_multiply", deviation)
        return _constant(call, "channel_add", mean, number)
    return _constant(call, "channel_multiply", 1 / deviation, _constant(call, "channel_add", -mean))


def _flatten(call: LayerCall) -> int:
    call.channels_last()
    return call.layer("flatten") if call.rank else call.inputs[0]


def _reshape(call: LayerCall) -> int:
    shape = list(call.get("target_shape"))
    if shape == list(call.shape):
        return call.inputs[0]
    if len(shape) == 1 and shape[0] in (-1, math.prod(call.shape)):
        return call.layer("flatten")
    return call.layer("reshape", {"shape": shape})


def _cells(call: LayerCall, name: str) -> Any:
    """Cells before and after of each axis."""
    call.channels_last()
    given = call.get(name)
    if isinstance(given, int):
        return given
    each = [given] if call.rank == 1 and all(isinstance(n, int) for n in given) else given
    pairs = [(side, side) if isinstance(side, int) else tuple(side) for side in each]
    before, after = zip(*pairs, strict=True)
    return padding(before, after)


def _pad(call: LayerCall) -> int:
    return call.layer("pad", {"padding": _cells(call, "padding")})


def _crop(call: LayerCall) -> int:
    return call.layer("crop", {"cells": _cells(call, "cropping")})


def _upsample(call: LayerCall) -> int:
    call.channels_last()
    how = call.get("interpolation", "nearest")
    if how not in ("nearest", "bilinear"):
        raise RefusedError(f"it resizes by `{how}`", "near is upsample, nearest or linear")
    fields: dict[str, Any] = {"factor": scalar(call.each("size", 2))}
    return call.layer("upsample", fields if how == "nearest" else {**fields, "method": "linear"})


def _ranks(name: str, layer: LayerReader) -> dict[str, LayerReader]:
    return {name.format(rank): layer for rank in (1, 2, 3)}


MERGES: Mapping[str, LayerReader] = MappingProxyType(
    {
        "Add": _merge("add"),
        "Average": _merge("mean"),
        "Concatenate": _concatenate,
        "Maximum": _merge("maximum"),
        "Minimum": _merge("minimum"),
        "Subtract": _merge("subtract"),
        "Multiply": _merge("multiply"),
    }
)
"""Those of several tensors."""
FUNCTIONS: Mapping[str, LayerReader] = MappingProxyType(
    {
        "Activation": _activation,
        "ELU": _elu,
        "LeakyReLU": _leaky_relu,
        "PReLU": _prelu,
        "ReLU": _relu,
        "Softmax": _softmax,
        "Dropout": _dropout("dropout"),
        **_ranks("SpatialDropout{}D", _dropout("spatial_dropout")),
        "Identity": _same,
        "ActivityRegularization": _same,
        "GaussianNoise": _noise,
        "Permute": _permute,
        "Flatten": _flatten,
        "LayerScale": _layer_scale,
        "Normalization": _normalization,
        "Rescaling": _rescaling,
        "Reshape": _reshape,
        **_ranks("ZeroPadding{}D", _pad),
        **_ranks("Cropping{}D", _crop),
        **_ranks("UpSampling{}D", _upsample),
    }
)
"""By the names of Keras's classes."""
