"""Functions of each element, and the softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cnnkit.importing.graph import RefusedError
from cnnkit.importing.operators.builder import axis_of, constant
from cnnkit.importing.operators.node import Node
from cnnkit.importing.operators.view import View

if TYPE_CHECKING:
    from cnnkit.importing.operators.builder import Builder, Given, Operator

Fields = Callable[[Node], dict[str, Any]]


def _nothing(_: Node) -> dict[str, Any]:
    return {}


def elementwise(kind: str, fields: Fields = _nothing) -> Operator:
    """An operator that does the same with each element, whatever the order of the axes."""

    def apply(node: Node, build: Builder, given: Given) -> View:
        value = build.flattened(node, tensor(given))
        return value.over(build.apply(node, kind, value.source, fields=fields(node)))

    return apply


def tensor(given: Given) -> View:
    """The first input.

    Raises:
        RefusedError: It is a constant.
    """
    if not given or not isinstance(given[0], View):
        raise RefusedError("it reads a constant where a tensor of the network belongs")
    return given[0]


def _slope(node: Node) -> dict[str, Any]:
    slope = node.number("alpha", 0.01)
    return {} if slope == 0.1 else {"slope": slope}


def _elu(node: Node) -> dict[str, Any]:
    alpha = node.number("alpha", 1)
    return {} if alpha == 1 else {"alpha": alpha}


def _selu(node: Node) -> dict[str, Any]:
    if abs(node.get("alpha", 1.67326) - 1.67326) > 1e-4:
        raise RefusedError("its alpha is not that of SELU", "near is elu")
    if abs(node.get("gamma", 1.0507) - 1.0507) > 1e-4:
        raise RefusedError("its gamma is not that of SELU", "near is elu")
    return {}


def _hard_sigmoid(node: Node) -> dict[str, Any]:
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
        raise RefusedError(
            f"it is min(max(0, {alpha:.3g}·x + {beta:.3g}), 1)",
            "near is hard_sigmoid, min(max(0, x/6 + 0.5), 1)",
        )
    return {}


def _gelu(node: Node) -> dict[str, Any]:
    return {"approximate": True} if node.get("approximate", "none") == "tanh" else {}


def clip(node: Node, build: Builder, given: Given) -> View:
    """Clip: from 0 to 6, from 0 up, and between two other numbers."""
    bounds: list[float | None] = [node.get("min"), node.get("max")]
    for place, value in enumerate(given[1:3]):
        if value is not None:
            bounds[place] = float(constant(value, "bound").reshape(()))
    kinds: dict[tuple[float | None, float | None], str] = {(0, 6): "relu6", (0, None): "relu"}
    lowest, highest = bounds
    if highest is not None and highest > 1e37:
        highest = None
    value = tensor(given)
    if (lowest, highest) in kinds:
        return value.over(build.apply(node, kinds[lowest, highest], value.source))
    if lowest is None or highest is None or lowest >= highest:
        raise RefusedError(
            f"it clips from {lowest} to {highest}", "near are relu6 and hard_tanh, of two bounds"
        )
    usual = {"minimum": (lowest, -1), "maximum": (highest, 1)}
    fields = {name: bound for name, (bound, default) in usual.items() if bound != default}
    return value.over(build.apply(node, "hard_tanh", value.source, fields=fields))


def prelu(node: Node, build: Builder, given: Given) -> View:
    """PRelu, a slope a channel, one for all, or one for each channel of each cell."""
    import numpy as np

    source = build.channels(node, given[0])
    *extents, channels = build.graph.shape(source)
    slope = constant(given[1], "slope")
    if slope.size == channels:  # one a channel, also where there is one channel
        return build.made(node, "prelu", source, weights={"slope": slope.reshape(-1)})
    if slope.size == 1:
        weights = {"slope": slope.reshape(-1)}
        return build.made(node, "prelu", source, fields={"per": "layer"}, weights=weights)
    cells = (channels, *extents)
    if slope.shape[-len(cells) :] != cells or slope.size != math.prod(cells):
        raise RefusedError(f"its slopes are {list(slope.shape)}", "near is prelu, one a channel")
    weights = {"slope": np.moveaxis(slope.reshape(cells), 0, -1)}
    return build.made(node, "prelu", source, fields={"per": "cell"}, weights=weights)


def softmax(kind: str) -> Operator:
    """Softmax over the channels; before opset 13 it was over all axes from one on."""

    def apply(node: Node, build: Builder, given: Given) -> View:
        value = tensor(given)
        rank = len(value.axes) + 1
        axis = axis_of(node.get("axis", -1 if node.opset >= 13 else 1), rank)
        inner = value.extents[axis:] if node.opset < 13 else ()
        if value.channel_axis != axis - 1 or any(extent > 1 for extent in inner):
            raise RefusedError(
                f"it is over axis {axis} of {list(value.extents)}", f"near is {kind}, over channels"
            )
        return value.over(build.apply(node, kind, value.source))

    return apply


def dropout(node: Node, build: Builder, given: Given) -> View:
    """Dropout: a rate of the attribute, or, since opset 12, of an input."""
    value = build.flattened(node, tensor(given))
    rate = node.number("ratio", 0.5)
    if len(given) > 1 and given[1] is not None:
        rate = float(str(constant(given[1], "ratio").reshape(())))
    return value.over(build.apply(node, "dropout", value.source, fields={"rate": rate}))


def identity(node: Node, build: Builder, given: Given) -> View:
    """What changes nothing."""
    del node, build
    return tensor(given)


OPERATORS: dict[str, Operator] = {
    "Clip": clip,
    "Dropout": dropout,
    "Erf": elementwise("erf"),
    "Elu": elementwise("elu", _elu),
    "Gelu": elementwise("gelu", _gelu),
    "HardSigmoid": elementwise("hard_sigmoid", _hard_sigmoid),
    "HardSwish": elementwise("hard_silu"),
    "Identity": identity,
    "LeakyRelu": elementwise("leaky_relu", _slope),
    "LogSoftmax": softmax("log_softmax"),
    "Mish": elementwise("mish"),
    "PRelu": prelu,
    "Relu": elementwise("relu"),
    "Selu": elementwise("selu", _selu),
    "Sigmoid": elementwise("sigmoid"),
    "Softmax": softmax("softmax"),
    "Softplus": elementwise("softplus"),
    "Tanh": elementwise("tanh"),
}
