"""Layers of Keras whose weights are kernels, and its pools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.call import LayerCall
from cnnkit.importing.operators.windows import scalar

LayerReader = Callable[[LayerCall], int]


def _window(call: LayerCall, size: list[int], name: str) -> dict[str, Any]:
    """Size, stride, dilation and padding, each where it is not what Keras takes for granted."""
    call.channels_last()
    fields: dict[str, Any] = {name: scalar(size)}
    for ours, theirs in (("stride", "strides"), ("dilation", "dilation_rate")):
        numbers = call.each(theirs)
        if set(numbers) != {1}:
            fields[ours] = scalar(numbers)
    if call.get("padding", "valid") not in ("valid", "same", "causal"):
        raise RefusedError(f"its padding is `{call.get('padding')}`")
    if call.get("padding", "valid") != "valid":
        fields["padding"] = call.get("padding")
    return fields


def _biased(call: LayerCall, fields: dict[str, Any]) -> dict[str, Any]:
    return fields if call.get("use_bias", True) else {**fields, "bias": False}


def _bias(call: LayerCall, size: int) -> tuple[int] | None:
    return (size,) if call.get("use_bias", True) else None


def _conv(call: LayerCall) -> int:
    size, groups, filters = call.each("kernel_size"), call.get("groups", 1), call.get("filters")
    kernel = (*size, call.shape[-1] // groups, filters)
    normalized, extra = call.normalized(kernel, (filters,))
    weights = call.arrays(kernel=kernel, bias=_bias(call, filters), **extra)
    fields = {"filters": filters, **_window(call, size, "kernel"), **normalized}
    if groups > 1:
        fields["groups"] = groups
    return call.activated(call.layer("conv", _biased(call, fields), weights))


def _depthwise(call: LayerCall) -> int:
    size, multiplier, channels = (
        call.each("kernel_size"),
        call.get("depth_multiplier", 1),
        _last(call),
    )
    weights = call.arrays(
        depthwise_kernel=(*size, channels, multiplier), bias=_bias(call, channels * multiplier)
    )
    weights["kernel"] = weights.pop("depthwise_kernel").reshape(*size, 1, -1)
    fields = _window(call, size, "kernel")
    if multiplier > 1:
        fields["multiplier"] = multiplier
    return call.activated(call.layer("depthwise_conv", _biased(call, fields), weights))


def _separable(call: LayerCall) -> int:
    size, multiplier, channels = (
        call.each("kernel_size"),
        call.get("depth_multiplier", 1),
        _last(call),
    )
    filters, rank = call.get("filters"), call.rank
    arrays = call.arrays(
        depthwise_kernel=(*size, channels, multiplier),
        pointwise_kernel=(*[1] * rank, channels * multiplier, filters),
        bias=_bias(call, filters),
    )
    fields = {**_window(call, size, "kernel"), "bias": False}
    if multiplier > 1:
        fields["multiplier"] = multiplier
    kernel = arrays.pop("depthwise_kernel").reshape(*size, 1, -1)
    depthwise = call.layer("depthwise_conv", fields, {"kernel": kernel})
    arrays["kernel"] = arrays.pop("pointwise_kernel")
    pointwise = _biased(call, {"filters": filters, "kernel": 1})
    return call.activated(call.layer("conv", pointwise, arrays, [depthwise]))


def _transposed(call: LayerCall) -> int:
    import numpy as np

    size, filters = call.each("kernel_size"), call.get("filters")
    if call.get("output_padding") is not None:
        raise RefusedError("it has an output padding")
    normalized, extra = call.normalized((*size, _last(call), filters), (filters,))
    weights = call.arrays(kernel=(*size, filters, _last(call)), bias=_bias(call, filters), **extra)
    weights["kernel"] = np.swapaxes(weights["kernel"], -1, -2)
    fields = {"filters": filters, **_window(call, size, "kernel"), **normalized}
    # Keras gives all cells of each step, also those that a small kernel does not reach.
    steps = zip(call.each("strides"), call.each("dilation_rate"), size, strict=True)
    beyond = [max(stride - dilation * (cells - 1) - 1, 0) for stride, dilation, cells in steps]
    if "padding" not in fields and any(beyond):
        fields["output_padding"] = scalar(beyond)
    return call.activated(call.layer("transposed_conv", _biased(call, fields), weights))


def _dense(call: LayerCall) -> int:
    units, channels = call.get("units"), _last(call)
    normalized, extra = call.normalized((channels, units), (units,))
    weights = call.arrays(kernel=(channels, units), bias=_bias(call, units), **extra)
    if call.rank == 0:
        fields = _biased(call, {"units": units, **normalized})
        return call.activated(call.layer("dense", fields, weights))
    if normalized:
        raise RefusedError("its weights are normalized, and it reads a map", "near is conv")
    weights["kernel"] = weights["kernel"].reshape(*[1] * call.rank, channels, units)
    fields = _biased(call, {"filters": units, "kernel": 1})
    return call.activated(call.layer("conv", fields, weights))


def _pool(kind: str) -> LayerReader:
    def apply(call: LayerCall) -> int:
        size = call.each("pool_size", 2)
        config = {**call.config, "strides": call.get("strides") or size}
        fields = _window(_with(call, config), size, "size")
        if fields.get("stride", 1) == fields["size"]:
            fields.pop("stride", None)  # it is what a pool takes for granted
        else:
            fields.setdefault("stride", 1)
        return call.layer(kind, fields)

    return apply


def _with(call: LayerCall, config: Mapping[str, Any]) -> LayerCall:
    from dataclasses import replace

    return replace(call, config=config)


def _global_pool(kind: str) -> LayerReader:
    def apply(call: LayerCall) -> int:
        call.channels_last()
        return call.layer(kind, {"keep_axes": True} if call.get("keepdims") else {})

    return apply


def _last(call: LayerCall) -> int:
    return call.shape[-1]


def _ranks(name: str, layer: LayerReader) -> dict[str, LayerReader]:
    return {name.format(rank): layer for rank in (1, 2, 3)}


WINDOWS: Mapping[str, LayerReader] = MappingProxyType(
    {
        **_ranks("Conv{}D", _conv),
        **_ranks("Convolution{}D", _conv),
        **_ranks("DepthwiseConv{}D", _depthwise),
        **_ranks("SeparableConv{}D", _separable),
        **_ranks("Conv{}DTranspose", _transposed),
        "Dense": _dense,
        **_ranks("AveragePooling{}D", _pool("mean_pool")),
        **_ranks("MaxPooling{}D", _pool("max_pool")),
        **_ranks("GlobalAveragePooling{}D", _global_pool("global_mean_pool")),
        **_ranks("GlobalMaxPooling{}D", _global_pool("global_max_pool")),
    }
)
"""By the names of Keras's classes."""
