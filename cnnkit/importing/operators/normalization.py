"""Normalizations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.activation import tensor
from cnnkit.importing.operators.builder import constant
from cnnkit.importing.operators.node import OperatorNode
from cnnkit.importing.operators.view import View
from cnnkit.layers.kinds import layer_class

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array
    from cnnkit.importing.operators.builder import Builder, Given, Operator, Value


def _epsilon(node: OperatorNode) -> dict[str, Any]:
    epsilon = node.number("epsilon", 1e-5)
    if epsilon <= 0:
        raise RefusedError(f"its epsilon is {epsilon}, ours is above 0")
    return {} if epsilon == 1e-5 else {"epsilon": epsilon}


def _each_channel(value: Array, channels: int, what: str) -> Array:
    if value.size != channels:
        raise RefusedError(f"its {what} is {list(value.shape)}, of {channels} channels")
    return value.reshape(channels)


def _scale_and_shift(given: Given, channels: int) -> tuple[dict[str, Any], dict[str, Array]]:
    """What says that there is no scale or no shift, and the arrays of what there is."""
    fields: dict[str, Any] = {}
    weights = {}
    for name, value in zip(("scale", "shift"), (*given[1:3], None, None), strict=False):
        if value is None:
            fields[name] = False
        else:
            weights[name] = _each_channel(constant(value, name), channels, name)
    return fields, weights


def batch_norm(node: OperatorNode, build: Builder, given: Given) -> View:
    """BatchNormalization by its running averages."""
    if node.get("training_mode", 0) or node.outputs > 1:
        raise RefusedError("it takes the statistics of the batch", "export the model in `eval()`")
    source = build.channels(node, given[0])
    channels = build.graph.shape(source)[-1]
    names = ("scale", "shift", "mean", "variance")
    if len(given) < 5:
        raise RefusedError(f"it has {len(given) - 1} arrays, not {', '.join(names)}")
    fields, weights = _scale_and_shift(given, channels)
    for name, value in zip(names[2:], given[3:5], strict=True):
        weights[name] = _each_channel(constant(value, name), channels, name)
    fields |= _epsilon(node)
    momentum = node.number("momentum", 0.9)
    if momentum != 0.9:
        fields["momentum"] = momentum
    return build.made(node, "batch_norm", source, fields=fields, weights=weights)


def instance_norm(node: OperatorNode, build: Builder, given: Given) -> View:
    """InstanceNormalization."""
    source = build.channels(node, given[0])
    channels = build.graph.shape(source)[-1]
    fields, weights = _scale_and_shift(given, channels)
    fields |= _epsilon(node)
    return build.made(node, "instance_norm", source, fields=fields, weights=weights)


def group_norm(node: OperatorNode, build: Builder, given: Given) -> View:
    """GroupNormalization, whose scale and shift were one a group before opset 21."""
    source = build.channels(node, given[0])
    channels, groups = build.graph.shape(source)[-1], node.get("num_groups", 0)
    if node.opset < 21 and groups:
        given = [given[0], *(_repeated(each, groups, channels) for each in given[1:3])]
        build.graph.folded -= 2 * (channels - groups)
    fields, weights = _scale_and_shift(given, channels)
    fields = {"groups": groups, **fields, **_epsilon(node)}
    return build.made(node, "group_norm", source, fields=fields, weights=weights)


def _repeated(value: Value | None, groups: int, channels: int) -> Array:
    """One number a group as one a channel."""
    import numpy as np

    each = constant(value, "scale or shift").reshape(-1)
    return np.repeat(each, channels // groups) if each.size == groups else each


def layer_norm(node: OperatorNode, build: Builder, given: Given) -> View:
    """LayerNormalization over the last axes: the channels, a whole example, or axes made one."""
    import numpy as np

    value = tensor(given)
    place = value.place(node.get("axis", -1))
    if node.outputs > 1:
        raise RefusedError("it gives the mean and the deviation, too")
    if place or len(value.axes) == 1:
        return _over_last(node, build, given, place, "layer_norm")
    fields, weights = _scale_and_shift(given, math.prod(value.extents))
    order = value.order()
    weights = {name: np.asarray(each)[order].reshape(value.shape) for name, each in weights.items()}
    fields = {"over": "all", **fields, **_epsilon(node)}
    number = build.apply(node, "layer_norm", value.source, fields=fields, weights=weights)
    return value.over(number)


def rms_norm(node: OperatorNode, build: Builder, given: Given) -> View:
    """RMSNormalization over the last axes: the channels, or axes made one."""
    place = tensor(given).place(node.get("axis", -1))
    return _over_last(node, build, given[:2], place, "rms_norm")


def _over_last(node: OperatorNode, build: Builder, given: Given, place: int, kind: str) -> View:
    """A norm over the axes from one on, which become the channels where they are not."""
    value = tensor(given)
    extents, last = value.extents, len(value.axes) - 1
    if place < last:
        value = value.reshaped([*extents[:place], math.prod(extents[place:])])
    if place < last or value.channel_axis != last:
        value = build.aligned(node, value, place)
    fields, weights = _scale_and_shift(given, value.extents[place])
    if kind == "rms_norm":
        fields.pop("shift", None)
    usual = 1e-5 if kind == "layer_norm" else layer_class(kind).model_fields["epsilon"].default
    epsilon = node.number("epsilon", 1e-5)
    fields |= {} if epsilon == usual else {"epsilon": epsilon}
    number = build.apply(node, kind, value.source, fields=fields, weights=weights)
    made = value.over(number)
    return made.reshaped(extents) if place < last else made


def local_response_norm(node: OperatorNode, build: Builder, given: Given) -> View:
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
    "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "LRN": local_response_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
}
