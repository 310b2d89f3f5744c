"""Normalizations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import tensor
from cnnkit.importing.operators.builder import axis_of, constant
from cnnkit.importing.operators.node import Node
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator


def _epsilon(node: Node) -> dict[str, Any]:
    epsilon = node.number("epsilon", 1e-5)
    if epsilon <= 0:
        raise RefusedError(f"its epsilon is {epsilon}, ours is above 0")
    return {} if epsilon == 1e-5 else {"epsilon": epsilon}


def _each_channel(value: Array, channels: int, what: str) -> Array:
    if value.size != channels:
        raise RefusedError(f"its {what} is {list(value.shape)}, of {channels} channels")
    return value.reshape(channels)


def batch_norm(node: Node, build: Builder, given: Given) -> View:
    """BatchNormalization by its running averages."""
    if node.get("training_mode", 0) or node.outputs > 1:
        raise RefusedError("it takes the statistics of the batch", "export the model in `eval()`")
    source = build.channels(node, given[0])
    channels = build.graph.shape(source)[-1]
    names = ("scale", "shift", "mean", "variance")
    if len(given) < 5:
        raise RefusedError(f"it has {len(given) - 1} arrays, not {', '.join(names)}")
    weights = {
        name: _each_channel(constant(value, name), channels, name)
        for name, value in zip(names, given[1:5], strict=True)
    }
    fields = _epsilon(node)
    momentum = node.number("momentum", 0.9)
    if momentum != 0.9:
        fields["momentum"] = momentum
    return build.made(node, "batch_norm", source, fields=fields, weights=weights)


def instance_norm(node: Node, build: Builder, given: Given) -> View:
    """InstanceNormalization."""
    source = build.channels(node, given[0])
    channels = build.graph.shape(source)[-1]
    weights = {
        name: _each_channel(constant(value, name), channels, name)
        for name, value in zip(("scale", "shift"), given[1:3], strict=True)
    }
    return build.made(node, "instance_norm", source, fields=_epsilon(node), weights=weights)


def layer_norm(node: Node, build: Builder, given: Given) -> View:
    """LayerNormalization over the channels, which are its last axis."""
    value = tensor(given)
    rank = len(value.axes)
    axis = axis_of(node.get("axis", -1), rank + 1)
    if axis != rank or value.channel_axis != rank - 1:
        raise RefusedError(
            f"it is over the axes from {axis} on of {list(value.extents)}",
            "near is layer_norm, over the channels",
        )
    channels = value.shape[-1]
    weights = {"scale": _each_channel(constant(given[1], "scale"), channels, "scale")}
    fields = _epsilon(node)
    if len(given) > 2 and given[2] is not None:
        weights["shift"] = _each_channel(constant(given[2], "shift"), channels, "shift")
    else:
        fields["shift"] = False
    number = build.apply(node, "layer_norm", value.source, fields=fields, weights=weights)
    return value.over(number)


def local_response_norm(node: Node, build: Builder, given: Given) -> View:
    """LRN, whose alpha is divided by the size as ours is; its window is centred a cell later."""
    source = build.channels(node, given[0])
    size = node.get("size", 0)
    if size % 2 == 0:
        raise RefusedError(
            f"its size of {size} is even: its neighbours are others than ours",
            "near is local_response_norm with an odd size",
        )
    usual = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0}
    fields = {
        "size": size,
        "alpha": node.number("alpha", 1e-4),
        "beta": node.number("beta", 0.75),
        "k": node.number("bias", 1),
    }
    fields = {name: value for name, value in fields.items() if value != usual[name]}
    return build.made(node, "local_response_norm", source, fields=fields)


OPERATORS: dict[str, Operator] = {
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "LRN": local_response_norm,
    "LayerNormalization": layer_norm,
}
