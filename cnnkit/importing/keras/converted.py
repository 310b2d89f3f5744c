"""Layers of the code that `cnnkit convert --to keras` writes, which it registers as `cnnkit`'s.

Their classes are read by name, as Keras's own are; their code is not run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cnnkit.importing.graph import ATTEND, Operation, RefusedError
from cnnkit.importing.keras.call import LayerCall
from cnnkit.importing.operators.windows import padding, scalar

LayerReader = Callable[[LayerCall], int]
PACKAGE = "cnnkit>"
"""What the registered names of these classes begin with."""
_MODES = {"reflect": "reflect", "edge": "edge", "wrap": "circular"}


def _given(kind: str, *fields: str, **others: Any) -> LayerReader:
    """A kind with the fields that the configuration gives by their names."""

    def apply(call: LayerCall) -> int:
        return call.layer(kind, {**{name: _plain(call.get(name)) for name in fields}, **others})

    return apply


def _plain(value: Any) -> Any:
    """A list of one number for each axis as one for all, where it is."""
    return scalar(value) if isinstance(value, list) else value


def _same(call: LayerCall) -> int:
    return call.inputs[0]


def _scale(call: LayerCall) -> int:
    shared = bool(call.get("shared"))
    arrays = call.arrays(scale=(1,) if shared else call.shape[-1:])
    return call.layer("scale", {"per": "layer"} if shared else {}, arrays)


def _global_response_norm(call: LayerCall) -> int:
    arrays = call.arrays(scale=call.shape[-1:], shift=call.shape[-1:])
    epsilon = call.get("epsilon")
    fields = {} if epsilon == 1e-6 else {"epsilon": epsilon}
    return call.layer("global_response_norm", fields, arrays)


def _position_embedding(call: LayerCall) -> int:
    return call.layer("position_embedding", weights=call.arrays(embedding=call.shape))


def _class_token(call: LayerCall) -> int:
    return call.layer("class_token", weights=call.arrays(token=call.shape[-1:]))


def _attention(call: LayerCall) -> int:
    """The middle of an attention, whose projections a pattern finds."""
    heads, shape = call.get("heads"), call.shape
    values: dict[str, Any] = {"heads": heads, "factor": 1 / math.sqrt(shape[-1] // heads)}
    if call.get("dropout"):
        values["dropout"] = call.get("dropout")
    weights = {}
    if call.get("window") is not None:
        window, shift, extents = (call.get(name) for name in ("window", "shift", "extents"))
        fields: dict[str, Any] = {}
        if list(window) != list(extents):
            fields["window"] = scalar(window)
        if any(shift):
            fields["shift"] = scalar(shift)
        if call.get("relative_bias"):
            fields["relative_bias"] = True
            table = (*(2 * cells - 1 for cells in window), heads)
            weights = call.arrays(relative_bias=table)
        values["windows"] = fields
    scope = "/".join(call.names)
    made = Operation(ATTEND, tuple(call.inputs), values, weights, scope, scope, shape)
    return call.graph.add(made)


def _pad(call: LayerCall) -> int:
    fields = {"padding": _sides(call.get("sides")), "padding_mode": _MODES[call.get("mode")]}
    return call.layer("pad", fields)


def _sides(pairs: Sequence[Sequence[int]]) -> Any:
    before, after = zip(*pairs, strict=True)
    return padding(before, after)


def _strides(size: Any, strides: Any) -> dict[str, Any]:
    """The stride of a pool, where it is not its size."""
    return {} if list(size) == list(strides) else {"stride": scalar(strides)}


def _dilated_max_pool(call: LayerCall) -> int:
    size = call.get("size")
    fields = {"size": scalar(size), **_strides(size, call.get("strides"))}
    return call.layer("max_pool", {**fields, "dilation": scalar(call.get("dilation"))})


def _mean_pool(call: LayerCall) -> int:
    size, sides = call.get("size"), call.get("sides")
    fields = {"size": scalar(size), **_strides(size, call.get("strides"))}
    if any(map(any, sides)):
        fields["padding"] = _sides(sides)
    if any(map(any, call.get("overhang"))):
        fields["rounding"] = "ceil"
    if call.get("count_padding"):
        fields["count_padding"] = True
    return call.layer("mean_pool", fields)


def _adaptive_pool(call: LayerCall) -> int:
    return call.layer(f"adaptive_{call.get('by')}_pool", {"output": scalar(call.get("output"))})


def _lp_pool(call: LayerCall) -> int:
    size, power = call.get("pool_size"), call.get("p")
    fields = {"size": scalar(size), **_strides(size, call.get("strides"))}
    return call.layer("lp_pool", fields if power == 2 else {**fields, "p": power})


def _blur_pool(call: LayerCall) -> int:
    fields: dict[str, Any] = {"padding": 0}
    size = scalar([len(row) for row in call.get("weights")])
    stride = scalar(call.get("stride"))
    fields |= {"size": size} if size != 3 else {}
    fields |= {"stride": stride} if stride != 2 else {}
    return call.layer("blur_pool", fields)


def _max_unpool(call: LayerCall) -> int:
    return call.layer(
        "max_unpool", {"size": scalar(call.get("size")), "to": "pooled"}, inputs=call.inputs
    )


def _resize(call: LayerCall) -> int:
    extents, method = call.get("extents"), call.get("method")
    pairs = list(zip(extents, call.shape[:-1], strict=True))
    fields: dict[str, Any] = {"size": scalar(extents)}
    if all(larger % extent == 0 for larger, extent in pairs):
        fields = {"factor": scalar([larger // extent for larger, extent in pairs])}
    return call.layer("upsample", fields if method == "nearest" else {**fields, "method": method})


def _locally_connected(call: LayerCall) -> int:
    size, positions, groups = (call.get(name) for name in ("kernel_size", "positions", "groups"))
    filters = call.get("filters")
    kernel = (*positions, *size, call.shape[-1] // groups, filters)
    bias = (*positions, filters) if call.get("use_bias", True) else None
    fields: dict[str, Any] = {"filters": filters, "kernel": scalar(size)}
    for ours, theirs in (("stride", "strides"), ("dilation", "dilation_rate")):
        if set(call.get(theirs)) != {1}:
            fields[ours] = scalar(call.get(theirs))
    if groups > 1:
        fields["groups"] = groups
    if bias is None:
        fields["bias"] = False
    normalized, extra = call.normalized(kernel, (*positions, filters))
    arrays = call.arrays(kernel=kernel, bias=bias, **extra)
    return call.layer("locally_connected", {**fields, **normalized}, arrays)


CONVERTED: Mapping[str, LayerReader] = MappingProxyType(
    {
        "AdaptivePool": _adaptive_pool,
        "BlurPool": _blur_pool,
        "ChannelShuffle": _given("channel_shuffle", "groups"),
        "ClassToken": _class_token,
        "DepthToSpace": _given("depth_to_space", "block"),
        "DilatedMaxPool": _dilated_max_pool,
        "DotProductAttention": _attention,
        "Entries": _same,  # an embedding rounds what it reads by itself
        "GlobalResponseNorm": _global_response_norm,
        "LocalResponseNorm": _given("local_response_norm", "size", "alpha", "beta", "k"),
        "LocallyConnected": _locally_connected,
        "LpPool": _lp_pool,
        "MaxUnpool": _max_unpool,
        "Maxout": _given("maxout", "pieces"),
        "MeanPool": _mean_pool,
        "Pad": _pad,
        "PositionEmbedding": _position_embedding,
        "Resize": _resize,
        "RmsNorm": _given("rms_norm", "epsilon", scale=False),
        "Scale": _scale,
        "SpaceToDepth": _given("space_to_depth", "block"),
        "WindowAttention": _attention,
        "WithCoordinates": _given("coordinates"),
    }
)
"""By the names of the classes in `cnnkit/export/parts/keras`."""


def converted(registered: str, known: Mapping[str, LayerReader]) -> LayerReader:
    """What reads a layer that is registered so.

    Args:
        registered: `cnnkit>Scale`, or `cnnkit>Conv2D-weight_norm-0` of one whose filters are
            normalized.
        known: What reads Keras's own layers.

    Raises:
        RefusedError: No layer of that name is written.
    """
    name, *norm = registered.removeprefix(PACKAGE).split("-")
    reader = CONVERTED.get(name) or (known.get(name) if norm else None)
    if reader is None:
        raise RefusedError(f"`cnnkit convert` writes no layer `{name}`")
    if not norm:
        return reader
    return lambda call: reader(replace(call, norm=norm[0]))
