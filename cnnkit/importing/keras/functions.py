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
    axes, channels = call.get("shared_axes") or [], call.shape[-1]
    if list(axes) != list(range(1, call.rank + 1)):
        raise RefusedError(
            "it has a slope for each cell", f"near is prelu: `shared_axes={[1, 2][: call.rank]}`"
        )
    slopes = call.arrays(alpha=(*[1] * call.rank, channels))["alpha"]
    return call.layer("prelu", weights={"slope": slopes.reshape(-1)})


def _layer_scale(call: LayerCall) -> int:
    """The factor a channel of Keras's own ConvNeXt."""
    return call.layer("scale", weights={"scale": call.arrays(gamma=(call.shape[-1],))["gamma"]})


def _elu(call: LayerCall) -> int:
    alpha = call.get("alpha", 1.0)
    return call.layer("elu", {} if alpha == 1 else {"alpha": alpha})


def _softmax(call: LayerCall) -> int:
    if call.get("axis", -1) not in (-1, call.rank + 1):
        raise RefusedError(f"it is over axis {call.get('axis')}", "near is softmax, over channels")
    return call.layer("softmax")


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
    def apply(call: LayerCall) -> int:
        if call.constants:
            raise RefusedError("it joins a constant to what depends on the input")
        return call.layer(kind, inputs=call.inputs)

    return apply


def _concatenate(call: LayerCall) -> int:
    if call.get("axis", -1) not in (-1, call.rank + 1):
        raise RefusedError(
            f"it joins along axis {call.get('axis')}", "near is `merge: {by: concat}`, of channels"
        )
    return _merge("concat")(call)


def _arithmetic(sign: str) -> LayerReader:
    """`x + y` and the like of Keras's tensors: of two, or of one and a number."""

    def apply(call: LayerCall) -> int:
        if not call.constants:
            if sign in "+*":
                return _merge("add" if sign == "+" else "multiply")(call)
            raise RefusedError(
                f"`import` does not read differences or quotients of two tensors: x {sign} y",
                f"the kind is merge, `by: {'subtract' if sign == '-' else 'divide'}`",
            )
        (number,) = call.constants
        if sign in "+-":
            return _constant(call, "channel_add", number if sign == "+" else -number)
        return _constant(call, "channel_multiply", number if sign == "*" else 1 / number)

    return apply


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


def _pad_everywhere(call: LayerCall) -> int:
    """`keras.ops.pad`, of all axes, with zeros, with minus infinity, or with what is there."""
    import numpy as np

    modes = {"constant": "zeros", "reflect": "reflect", "edge": "edge", "wrap": "circular"}
    widths, mode = call.get("pad_width"), call.get("mode", "constant")
    value = call.constants[0] if call.constants else 0
    if mode not in modes or value not in (0, -math.inf) or any(widths[0]):
        raise RefusedError(f"it pads with {value} by `{mode}`", "near is pad, with zeros")
    fields: dict[str, Any] = {}
    before, after = zip(*widths[1:-1], strict=True) if widths[1:-1] else ((0,), (0,))
    if any([*before, *after]):
        fields["padding"] = padding(before, after)
    if any(widths[-1]):
        fields["channels"] = scalar(widths[-1])
    if mode != "constant":
        fields["padding_mode"] = modes[mode]
    # What is not zero is no field: the pool that reads it pads so by itself.
    weights = {"value": np.asarray(value)} if value else {}
    return call.layer("pad", fields, weights)


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
        "Add": _merge("add"),
        "Average": _merge("mean"),
        "Concatenate": _concatenate,
        "Maximum": _merge("maximum"),
        "Multiply": _merge("multiply"),
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

ARITHMETIC: Mapping[str, LayerReader] = MappingProxyType(
    {
        "Add": _arithmetic("+"),
        "Subtract": _arithmetic("-"),
        "Multiply": _arithmetic("*"),
        "Divide": _arithmetic("/"),
        "TrueDivide": _arithmetic("/"),
        "Pad": _pad_everywhere,
    }
)
"""By the names of the classes in `keras.ops` that stand for operators of tensors."""
